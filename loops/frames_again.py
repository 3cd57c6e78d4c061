"""Pictures that were lost or altered are drawn again from their stored jobs, before a run goes on. Knows no model.

A picture is drawn again in its whole batch, with its own adapter. The digest tells whether it is the same one. Another
picture takes the place of one that no person has judged, and is measured and judged anew; it never takes the place of
one that a person judged: that one is named, and left out until its file is back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from bootstrap.backends.base import Drawer
from bootstrap.errors import StoreError
from bootstrap.records import PREVIEW_KINDS, TAKEN, Frame, Job, Verdict, VerdictKind
from bootstrap.store.decisions import Blend, FinalCandidates
from bootstrap.store.replacing import is_whole, set_aside
from bootstrap.store.store import PERSON, Store
from loops.blends import Weights, attached, is_here
from loops.draw import BY_THE_BASE
from loops.engine import Engine
from loops.measure import measure
from loops.weights_again import whole_adapter
from loops.within_memory import drawn_within_memory
from scoring.measurement import digest_of

__all__ = ["draw_again", "measure_again"]

ANOTHER = "the picture was lost; drawn again it is another one"
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class _Batch:
    """Frames that were drawn together, in order."""

    frames: Sequence[Frame]
    adapter: str
    drawer: Drawer


def draw_again(engine: Engine) -> None:
    """Draw again every picture whose file is missing, broken or another one; say what became of each."""
    store = engine.store
    same: list[str] = []
    other: list[str] = []
    rounds = sorted({frame.job.round for frame in store.frames()})
    for number in rounds:  # in order: weights that are trained again need the pictures of earlier rounds
        broken = {frame.job.id for frame in store.frames(number) if not _is_whole(store, frame)}
        if not broken:
            continue
        engine.lost |= broken
        for batch in _batches(engine, number):
            again = [frame for frame in batch.frames if frame.job.id in broken]
            if again:
                restored, replaced = _draw_batch(engine, batch, again)
                same, other = [*same, *restored], [*other, *replaced]
    for id in [*same, *other]:
        engine.lost -= {id}
    _say(engine, same, other)


def measure_again(engine: Engine) -> None:
    """Measure the pictures of judged waves that lack a measurement: drawn again, or their rows were lost."""
    archive, judged_frames = engine.archive(), []
    for frame in archive.frames:
        judged = (frame.job.round, frame.job.wave) in archive.judged_waves and frame.job.kind not in PREVIEW_KINDS
        if judged and frame.job.id not in engine.lost:
            judged_frames.append(frame)
    measure(engine, judged_frames)


def _is_whole(store: Store, frame: Frame) -> bool:
    try:
        store.frame_image(frame)
    except StoreError:
        return False
    return True


def _batches(engine: Engine, number: int) -> Iterator[_Batch]:
    """The batches in which the pictures of a round were drawn; a person's own were not, and none is paid for twice."""
    drawn: dict[tuple[int, str, bool, str], list[Frame]] = {}
    for frame in engine.store.frames(number):
        drawer = engine.drawer_of(frame.job)
        if frame.drawer == drawer.name and not engine.price_of(drawer):
            place = frame.job.wave, frame.job.drawer or drawer.name, frame.job.kind in BY_THE_BASE, frame.adapter
            drawn.setdefault(place, []).append(frame)
    for (_, _, _, adapter), frames in drawn.items():
        drawer = engine.drawer_of(frames[0].job)
        for start in range(0, len(frames), drawer.batch_size):
            yield _Batch(frames[start : start + drawer.batch_size], adapter, drawer)


def _draw_batch(engine: Engine, batch: _Batch, again: Sequence[Frame]) -> tuple[list[str], list[str]]:
    """Draw a batch and store what is missing of it: the ids that are the same pictures, and those that are others."""
    weights = _weights(engine, batch.adapter)
    if batch.adapter and weights is None:
        return [], []
    missing = {frame.job.id: frame for frame in again}
    same: list[str] = []
    other: list[str] = []
    jobs = [frame.job for frame in batch.frames]
    with attached(engine, weights) as path:
        for drawn in drawn_within_memory(engine.store, batch.drawer, jobs, path):
            for job, image in drawn:
                if job.id in missing:
                    kept = _put(engine, missing[job.id], job, image, weights)
                    if kept is not None:
                        (same if kept else other).append(job.id)
            engine.progress("drawing", len(same) + len(other), len(missing), "again")
    return same, other


def _weights(engine: Engine, id: str) -> Weights | None:
    """The weights of that id, whole; None for the base, and for lost ones that were tried and not chosen."""
    blend = engine.store.decided(Blend, id=id)
    if blend is not None:
        return blend if is_here(engine, blend) else None
    adapters = engine.store.adapters()
    for adapter in adapters:
        if adapter.id == id:
            return whole_adapter(engine, adapter)
    chosen = {adapter.training for adapter in adapters}
    for candidates in engine.store.decisions(FinalCandidates):
        for adapter in candidates.adapters:
            whole = is_whole(engine.store.directory / adapter.path, adapter.sha256)
            if adapter.id == id and (whole or adapter.training not in chosen):
                return whole_adapter(engine, adapter)
    return None


def _put(engine: Engine, frame: Frame, job: Job, image: Image.Image, weights: Weights | None) -> bool | None:
    """Put a picture in its place: True where it is the same one, False another one, None where it may not be."""
    verdict = engine.store.verdicts().get(frame.job.id)
    text, same = engine.parameters(job, weights), digest_of(image) == frame.digest
    if not same and verdict is not None and verdict.by == PERSON:
        return None
    set_aside(engine.store.directory / frame.path)
    if same:
        engine.store.replacing.restore_frame(frame, image, text)
        return True
    undecided = None
    if verdict is not None and verdict.kind in TAKEN:
        undecided = Verdict(frame.job.id, VerdictKind.UNDECIDED, verdict.by, (ANOTHER,))
    engine.store.replacing.replace_frame(frame, image, text, undecided)
    return False


def _say(engine: Engine, same: Sequence[str], other: Sequence[str]) -> None:
    """Note what was drawn again, and name what was not to be had again."""
    if same:
        engine.note(f"lost or altered pictures drawn again, the same to the pixel: {_named(same)}")
    if other:
        engine.note(f"lost or altered pictures drawn again as others, measured and judged anew: {_named(other)}")
    verdicts = engine.store.verdicts()
    for frame in engine.store.frames(ids=sorted(engine.lost)):
        verdict = verdicts.get(frame.job.id)
        judged = f" ({verdict.kind.value} by {verdict.by})" if verdict else ""
        what = f"the picture '{frame.path}'{judged} is lost or altered and cannot be drawn again"
        engine.note(f"{what}; it is left out until you restore it from a copy")


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return f"{', '.join(ids[:MOST_NAMED])}{more}"
