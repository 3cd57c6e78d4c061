"""Drawing: planned pictures that are missing, in fixed batches, the base's before the adapter's.

What a drawer refuses is stored with its reason, and not asked for again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bootstrap.backends.base import Drawer
from bootstrap.backends.outside.refusals import refusal_card, why_refused
from bootstrap.events import BatchGenerated, Incident
from bootstrap.records import OUTSIDE_KINDS, Job, JobKind
from bootstrap.runs.spending import Spending
from bootstrap.store.decisions import PictureRefused, WaveCut
from loops.blends import Weights, attached
from loops.budget import cut_short
from loops.engine import Engine
from loops.within_memory import drawn_within_memory

__all__ = ["draw"]

BY_THE_BASE = (JobKind.LOOKALIKE,)
BY_THE_ADAPTER = tuple(kind for kind in JobKind if kind not in (*BY_THE_BASE, *OUTSIDE_KINDS))


@dataclass(frozen=True, slots=True)
class Part:
    """The kinds of jobs that one drawer draws with one adapter (None: the base alone). No batch mixes two parts.

    ``name`` is that of the drawer where two share these kinds.
    """

    kinds: tuple[JobKind, ...]
    drawer: Drawer
    adapter: Weights | None
    name: str = ""

    def draws(self, job: Job) -> bool:
        """Whether a job is of this part."""
        return job.kind in self.kinds and self.name in ("", job.drawer)


def draw(engine: Engine, number: int, wave: int, adapter: Weights | None) -> None:
    """Draw every missing picture of a wave; a batch is stored whole or not at all, so batches keep their borders.

    Where the hours of a run are too short for all of them, the rest stays undrawn (see `loops.budget.cut_short`).
    """
    total = len(engine.store.jobs(number, wave))
    for part in _parts(engine, adapter):
        _draw_part(engine, number, wave, part, total)


def _parts(engine: Engine, adapter: Weights | None) -> list[Part]:
    """Who draws what, in order."""
    first = Part(BY_THE_BASE, engine.drawer, None)
    if not engine.outside:
        return [first, Part((*BY_THE_ADAPTER, *OUTSIDE_KINDS), engine.drawer, adapter)]
    parts, shared = [first], engine.config.second is not None
    for one in engine.config.alone:
        drawer = engine.outside.get(one.drawn_by, engine.drawer)
        weights = adapter if one.trains_to_draw or not shared else None
        parts.append(Part(OUTSIDE_KINDS, drawer, weights, one.drawn_by if shared else ""))
    return [*parts, Part(BY_THE_ADAPTER, engine.drawer, adapter)]


def _draw_part(engine: Engine, number: int, wave: int, part: Part, total: int) -> None:
    """Draw what is missing of a part of a wave; ``total`` counts the jobs of the whole wave."""
    store = engine.store
    missing = [job for job in store.missing_jobs(number, wave) if part.draws(job)]
    if _cut_short(engine, number, wave, part, begun=False):
        return
    weights = part.adapter if missing else None
    with attached(engine, weights) as path:
        began = time.monotonic()
        for batch in _batches(engine, part, missing, path):
            seconds = time.monotonic() - began
            done = len(store.frames(number, wave))
            event = BatchGenerated(number, done, len(batch), round(seconds, 2), part.name)
            drawn = [(job, image, engine.parameters(job, weights)) for job, image in batch]
            store.add_frames(drawn, weights.id if weights else "", part.drawer.name, seconds, event)
            engine.progress("drawing", done + len(batch), total)
            if _cut_short(engine, number, wave, part, begun=True):
                break
            began = time.monotonic()


def _batches(
    engine: Engine, part: Part, missing: Sequence[Job], path: Path | None
) -> Iterator[Sequence[tuple[Job, Image.Image]]]:
    """The pictures of jobs in batches; a refusal is stored before its card."""
    refused = {one.job: one.why for one in engine.store.decisions(PictureRefused)}
    for job in missing:
        if job.id in refused:
            yield [(job, refusal_card(part.drawer.resolution, refused[job.id]))]
    left = [job for job in missing if job.id not in refused]
    price = engine.price_of(part.drawer)
    if price:
        left = _in_turn(left)
    for batch in drawn_within_memory(engine.store, part.drawer, left, path):
        for job, image in batch:
            if why := why_refused(image):
                engine.store.decide(PictureRefused(job.id, why))
        left = [job for job in left if job.id not in {drawn.id for drawn, _ in batch}]
        yield batch
    if price and engine.purse is not None and left and not engine.purse.holds(price):
        _unpaid(engine, engine.purse, left)


def _unpaid(engine: Engine, purse: Spending, left: Sequence[Job]) -> None:
    """Store that the pictures of a wave that are ``left`` stay undrawn, because the money is spent; say so."""
    store, limit = engine.store, f"{purse.limit:g} {purse.currency}"
    told = f"{purse.spent:.2f} of {limit} are spent, {len(left)} pictures of this wave are not drawn"
    for other in (one.drawn_by for one in engine.config.alone if not one.price):
        told += f"; {other} draws the next ones"
    event = Incident("budget", f"{told}; a larger --spend and the same command go on")
    if store.decided(WaveCut, budget=limit, round=left[0].round, wave=left[0].wave, lookalikes=False) is None:
        store.decide(WaveCut(limit, left[0].round, left[0].wave, False, len(left)), event)


def _in_turn(jobs: Sequence[Job]) -> list[Job]:
    """Candidates and decoys of each view family in turn, so that what is drawn can be judged when the money is over."""
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.kind, job.shot.view_family), []).append(job)
    placed = []
    for group in groups.values():
        placed += [((place + 0.5) / len(group), job) for place, job in enumerate(group)]
    return [job for _, job in sorted(placed, key=lambda one: one[0])]


def _cut_short(engine: Engine, number: int, wave: int, part: Part, *, begun: bool) -> bool:
    """Whether the hours, where a person limited them, leave the rest of these pictures undrawn."""
    if engine.budget is None:
        return False
    return cut_short(engine.store, engine.budget, number, wave, part.kinds, begun=begun, drawer=part.name)
