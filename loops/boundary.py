"""Reading a person's verdicts and captions, at the boundaries between rounds and nowhere else.

Each boundary stores up to which rows a person was read, so that a round which was cut off is played again with the same
verdicts, whatever was added meanwhile. Approved frames become references of identity in their own view family; only
they may (automatic keeps never do). Draws and measures nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from bootstrap.panel.judges import Judges
from bootstrap.records import PREVIEW_KINDS, Frame, JobKind
from bootstrap.runs.standing import finished
from bootstrap.store.decisions import PersonBoundary
from bootstrap.store.person import Boundary
from bootstrap.store.store import Store
from scoring.measurement import Picture

__all__ = ["judges_with_approved", "measured_frames", "own_pictures", "read_person"]


def read_person(store: Store) -> tuple[Store, bool]:
    """The store as far as a person is read at this boundary, and whether a finished run must play one more round.

    It must where a person judged after its end. The boundary is after the rounds that have ended; resuming at it reads
    exactly what was read before.
    """
    ended = sum(one.outcome is not None for one in store.rounds())
    last = store.person.last()
    boundary = store.decide(PersonBoundary(ended, False, last.verdict, last.caption))
    if (boundary.verdict, boundary.caption) != (last.verdict, last.caption) and finished(store.events()):
        store.decide(PersonBoundary(ended, True, last.verdict, last.caption))
    again = store.decided(PersonBoundary, rounds=ended, again=True)
    boundary = again or boundary
    return store.up_to(Boundary(boundary.verdict, boundary.caption)), again is not None


def judges_with_approved(
    store: Store, judges: Judges, judging: Callable[[Sequence[Picture]], Judges], lost: Collection[str] = ()
) -> Judges:
    """The panel with approved frames among its references; ``judges`` themselves where those are the same already.

    Approved frames in ``lost`` have no picture.
    """
    approved = [frame for frame in store.approved() if frame.job.id not in lost]
    fresh = judging([judges.picture(frame, store) for frame in approved])
    return judges if fresh.fingerprints == judges.fingerprints else fresh


def measured_frames(store: Store, lost: Collection[str] = ()) -> list[Frame]:
    """The frames that were measured, but for previews: what is measured again before other references."""
    measured = store.measurements()
    ids = measured.keys() - set(lost)
    return [one for one in store.frames() if one.job.id in ids and one.job.kind not in PREVIEW_KINDS]


def own_pictures(store: Store, lost: Collection[str] = ()) -> list[Frame]:
    """The pictures that a person added: from now on they are candidates like any other."""
    return [frame for frame in store.frames(round=0, kind=JobKind.CANDIDATE) if frame.job.id not in lost]
