"""Measuring in the story: every frame by the whole panel, once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bootstrap.events import ScoresMeasured
from bootstrap.records import Frame
from loops.engine import Engine

__all__ = ["measure"]

AT_ONCE = 64


def measure(engine: Engine, frames: Sequence[Frame]) -> None:
    """Measure the frames that lack a measurement by any scorer as it now is."""
    store, fingerprints = engine.store, engine.judges.fingerprints
    by_id = {frame.job.id: frame for frame in frames}
    todo = store.unmeasured(list(by_id), fingerprints)
    began, done = time.monotonic(), 0
    for start in range(0, len(todo), AT_ONCE):
        chunk = todo[start : start + AT_ONCE]
        measured = engine.judges.measure([by_id[id] for id in chunk], store)
        seconds, began, done = time.monotonic() - began, time.monotonic(), done + len(chunk)
        told = ScoresMeasured(by_id[chunk[0]].job.round, len(chunk), round(seconds, 2))
        store.add_measurements(measured, fingerprints, seconds, told)
        engine.progress("measuring", done, len(todo))
