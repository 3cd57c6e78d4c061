"""Drawing in the story: planned pictures that are not there yet, in fixed batches, the base's before the adapter's."""

from __future__ import annotations

import time
from pathlib import Path

from bootstrap.events import BatchGenerated
from bootstrap.records import Adapter, JobKind
from loops.budget import cut_short
from loops.engine import Engine
from loops.memory import drawn_within_memory

__all__ = ["draw"]

BY_THE_BASE = (JobKind.LOOKALIKE,)


def draw(engine: Engine, number: int, wave: int, adapter: Adapter | None) -> None:
    """Make every missing picture of a wave; a batch is stored whole or not at all, so batches keep their borders.

    Where the hours of a run are too short for all of them, the rest stays undrawn (see `loops.budget.cut_short`).
    """
    total = len(engine.store.jobs(number, wave))
    for kinds, painter in ((BY_THE_BASE, None), (tuple(k for k in JobKind if k not in BY_THE_BASE), adapter)):
        missing = [job for job in engine.store.missing_jobs(number, wave) if job.kind in kinds]
        path: Path | None = engine.store.directory / painter.path if painter else None
        if _cut_short(engine, number, wave, kinds, begun=False):
            continue
        began = time.monotonic()
        for batch in drawn_within_memory(engine.store, engine.drawer, missing, path):
            seconds = time.monotonic() - began
            there = len(engine.store.frames(number, wave))
            event = BatchGenerated(number, there, len(batch), round(seconds, 2))
            drawn = [(job, image, engine.parameters(job, painter)) for job, image in batch]
            engine.store.add_frames(drawn, painter.id if painter else "", engine.drawer.name, seconds, event)
            engine.progress("drawing", there + len(batch), total)
            if _cut_short(engine, number, wave, kinds, begun=True):
                break
            began = time.monotonic()


def _cut_short(engine: Engine, number: int, wave: int, kinds: tuple[JobKind, ...], *, begun: bool) -> bool:
    """Whether the hours, where a person limited them, leave the rest of these pictures undrawn."""
    return engine.budget is not None and cut_short(engine.store, engine.budget, number, wave, kinds, begun=begun)
