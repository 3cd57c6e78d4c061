"""One round: train on what is kept, draw what is missing, measure, choose.

Every verb asks the store what is still to do, so a round that was cut off anywhere goes on by being played again.
Knows no model and prints nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap.events import FramesJudged, RoundBegan, RoundEnded
from bootstrap.records import JobKind, Phase
from bootstrap.shots import Cell, places
from loops.budget import another_wave, wanted_pictures
from loops.choose import choose, empty_places
from loops.draw import draw
from loops.engine import Engine
from loops.measure import measure
from loops.plan import plan_wave, planned
from loops.stopping import outcome
from loops.train import teach_round

__all__ = ["RoundPlan", "play_round"]


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """What a round is for: its number, its phase, and how many kept frames it aims at."""

    number: int
    phase: Phase
    goal: int


def play_round(engine: Engine, plan: RoundPlan) -> None:
    """Train, then waves of drawing, measuring and choosing until every place is filled or the waves are spent."""
    store, kept = engine.store, len(engine.usable_keeps())
    store.begin_round(plan.number, plan.phase, plan.goal, RoundBegan(plan.number, plan.phase, kept, plan.goal))
    wanted = places(plan.goal, engine.config.loop.target, engine.config.views)
    adapter, taught = None, False
    for wave in range(1, engine.config.loop.waves + 1):
        if _judged(engine, plan.number, wave):
            continue  # judged before a later wave was drawn: what that one has drawn must not be seen by it
        if not planned(engine, plan.number, wave) and not empty_places(engine, wanted):
            break
        if not _fits(engine, plan.number, wave, empty_places(engine, wanted)):
            break
        if not taught:  # a round in which a person left no place empty trains nothing
            adapter, taught = teach_round(engine, plan.number, plan.phase), True
        plan_wave(engine, plan.number, wave, wanted)
        draw(engine, plan.number, wave, adapter)
        measure(engine, [f for f in store.frames(plan.number, wave) if f.job.kind is not JobKind.PROBE])
        choose(engine, plan.number, wave, wanted)
    result = outcome(engine, plan.number)
    store.end_round(plan.number, result, RoundEnded(plan.number, result.kept, result.held_out))


def _fits(engine: Engine, number: int, wave: int, empty: Mapping[Cell, int]) -> bool:
    """Whether the hours, where a person limited them, have room for another wave of candidates for these places."""
    if engine.budget is None:
        return True
    candidates = wanted_pictures(empty, engine.config.loop, decoys=False)
    return another_wave(engine.store, engine.budget, number, wave, candidates)


def _judged(engine: Engine, number: int, wave: int) -> bool:
    """Whether a wave was judged already: its event is stored with its verdicts."""
    told = (event for event in engine.store.events() if isinstance(event, FramesJudged))
    return any((event.round, event.wave) == (number, wave) for event in told)
