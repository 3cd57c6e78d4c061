"""Drawing in the story: planned pictures that are not there yet, in fixed batches, the base's before the adapter's."""

from __future__ import annotations

import time
from pathlib import Path

from bootstrap.events import BatchGenerated
from bootstrap.records import Adapter, JobKind
from loops.engine import Engine

__all__ = ["draw"]

BY_THE_BASE = (JobKind.LOOKALIKE,)


def draw(engine: Engine, number: int, wave: int, adapter: Adapter | None) -> None:
    """Make every missing picture of a wave; a batch is stored whole or not at all, so batches keep their borders."""
    total = len(engine.store.jobs(number, wave))
    for kinds, painter in ((BY_THE_BASE, None), (tuple(k for k in JobKind if k not in BY_THE_BASE), adapter)):
        missing = [job for job in engine.store.missing_jobs(number, wave) if job.kind in kinds]
        path: Path | None = engine.store.directory / painter.path if painter else None
        began = time.monotonic()
        for batch in engine.backend.generate(missing, path) if missing else ():
            seconds = time.monotonic() - began
            there = len(engine.store.frames(number, wave))
            told = BatchGenerated(number, there, len(batch), round(seconds, 2))
            painted = [(job, image, engine.parameters(job, painter)) for job, image in batch]
            engine.store.add_frames(painted, painter.id if painter else "", seconds, told)
            engine.progress("drawing", there + len(batch), total)
            began = time.monotonic()
