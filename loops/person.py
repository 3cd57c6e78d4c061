"""Taking up what a person said, at the boundaries between rounds and nowhere else.

Each boundary stores how far the person was listened to, so that a round which was cut off is played again with the same
verdicts, whatever was said meanwhile. Approved frames become references of identity in their own view family; only they
may (automatic keeps never do). Knows no model and draws nothing.
"""

from __future__ import annotations

from bootstrap.records import JobKind, VerdictKind
from bootstrap.runs.standing import finished
from bootstrap.store.person import PERSON, Heard
from loops.engine import Engine
from loops.measure import measure

__all__ = ["approved", "hear_person"]


def hear_person(engine: Engine) -> bool:
    """Listen up to this boundary; whether a finished run must play one more round, since a person spoke after its end.

    The boundary is after the rounds that have ended; resuming at it hears exactly what was heard before.
    """
    store = engine.store
    ended = sum(one.outcome is not None for one in store.rounds())
    spoken = store.person.last()
    heard = Heard.of(store.decide(f"heard-{ended}", spoken.text))
    if heard != spoken and finished(store.events()):
        store.decide(f"heard-{ended}-again", spoken.text)
    again = store.decision(f"heard-{ended}-again")
    store.person.heard = Heard.of(again) if again else heard
    _refer(engine)
    _measure_own(engine)
    return again is not None


def approved(engine: Engine) -> list[str]:
    """Ids of the frames that a person wants kept, as far as they were heard, in plan order."""
    said = engine.store.verdicts().items()
    return [id for id, one in said if one.by == PERSON and one.kind is VerdictKind.KEEP]


def _refer(engine: Engine) -> None:
    """Let approved frames join the references; what was measured against others is measured anew."""
    if engine.judging is None:
        return
    store = engine.store
    judges = engine.judging([engine.judges.picture(frame, store) for frame in store.frames(ids=approved(engine))])
    if judges.fingerprints == engine.judges.fingerprints:
        return
    engine.judges = judges
    measured = store.measurements()
    measure(engine, [f for f in store.frames() if f.job.id in measured and f.job.kind is not JobKind.PROBE])


def _measure_own(engine: Engine) -> None:
    """Measure the pictures that a person added: from now on they are candidates like any other."""
    measure(engine, engine.store.frames(round=0, kind=JobKind.CANDIDATE))
