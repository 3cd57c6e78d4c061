"""Drawing: planned pictures that are missing, in fixed batches, the base's before the adapter's."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bootstrap.backends.base import Drawer
from bootstrap.events import BatchGenerated
from bootstrap.records import JobKind
from loops.blends import Weights, attached
from loops.budget import cut_short
from loops.engine import Engine
from loops.within_memory import drawn_within_memory

__all__ = ["draw"]

BY_THE_BASE = (JobKind.LOOKALIKE,)
BY_THE_ADAPTER = tuple(kind for kind in JobKind if kind not in BY_THE_BASE)


@dataclass(frozen=True, slots=True)
class Part:
    """The kinds of jobs that one drawer draws with one adapter (None: the base alone). No batch mixes two parts."""

    kinds: tuple[JobKind, ...]
    drawer: Drawer
    adapter: Weights | None


def draw(engine: Engine, number: int, wave: int, adapter: Weights | None) -> None:
    """Draw every missing picture of a wave; a batch is stored whole or not at all, so batches keep their borders.

    Where the hours of a run are too short for all of them, the rest stays undrawn (see `loops.budget.cut_short`).
    """
    total = len(engine.store.jobs(number, wave))
    for part in (Part(BY_THE_BASE, engine.drawer, None), Part(BY_THE_ADAPTER, engine.drawer, adapter)):
        _draw_part(engine, number, wave, part, total)


def _draw_part(engine: Engine, number: int, wave: int, part: Part, total: int) -> None:
    """Draw what is missing of a part of a wave; ``total`` counts the jobs of the whole wave."""
    store = engine.store
    missing = [job for job in store.missing_jobs(number, wave) if job.kind in part.kinds]
    if _cut_short(engine, number, wave, part, begun=False):
        return
    weights = part.adapter if missing else None
    with attached(engine, weights) as path:
        began = time.monotonic()
        for batch in drawn_within_memory(store, part.drawer, missing, path):
            seconds = time.monotonic() - began
            done = len(store.frames(number, wave))
            event = BatchGenerated(number, done, len(batch), round(seconds, 2))
            drawn = [(job, image, engine.parameters(job, weights)) for job, image in batch]
            store.add_frames(drawn, weights.id if weights else "", part.drawer.name, seconds, event)
            engine.progress("drawing", done + len(batch), total)
            if _cut_short(engine, number, wave, part, begun=True):
                break
            began = time.monotonic()


def _cut_short(engine: Engine, number: int, wave: int, part: Part, *, begun: bool) -> bool:
    """Whether the hours, where a person limited them, leave the rest of these pictures undrawn."""
    return engine.budget is not None and cut_short(engine.store, engine.budget, number, wave, part.kinds, begun=begun)
