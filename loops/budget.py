"""What still fits into the hours that a person gave: the next round, the next wave, the rest of a wave's pictures.

The run's own events say how fast it works. What the finish needs (the final training, its trials, the report) is set
aside first; the rest is spent on rounds, and a style round only where a character round fits after it. Every decision
is a row, followed by whoever continues the run. Without a budget nothing is asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bootstrap.events import AdapterTrained, BatchGenerated, Incident, ScoresMeasured
from bootstrap.records import JobKind, Phase
from bootstrap.runs.sentences import duration
from bootstrap.shots import places
from loops.choose import empty_places
from loops.engine import Engine
from loops.train import drawing_round, recipe_for

__all__ = ["Speeds", "affordable", "another_wave", "closing_cost", "cut_short", "speeds"]

CUTS = 5
"""Training pictures a seed gives at most."""
PREVIEWS = 14
"""Pictures with which each of the final weights is tried, about."""
REPORT = 20.0
"""Seconds for files and report."""
MARGIN = 1.1
"""What is set aside over what was measured."""
WORTHWHILE = 0.5
"""Share of a wave that must fit for it to be begun."""
YES, NO = "yes", "no"
BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Speeds:
    """Seconds a training step, a picture drawn, a picture measured; 0.0 where nothing was done yet."""

    step: float
    drawn: float
    measured: float

    @property
    def picture(self) -> float:
        """Seconds a picture, drawn and measured."""
        return self.drawn + self.measured


def speeds(engine: Engine) -> Speeds:
    """How fast this run works, from all its events."""
    told = engine.store.events()
    trained = [event for event in told if isinstance(event, AdapterTrained)]
    drawn = [event for event in told if isinstance(event, BatchGenerated)]
    measured = [event for event in told if isinstance(event, ScoresMeasured)]
    return Speeds(
        _each(sum(event.seconds for event in trained), sum(event.steps for event in trained)),
        _each(sum(event.seconds for event in drawn), sum(event.pictures for event in drawn)),
        _each(sum(event.seconds for event in measured), sum(event.pictures for event in measured)),
    )


def affordable(engine: Engine, number: int, phase: Phase, goal: int) -> tuple[Phase, int] | None:
    """The round that the rules ask for, a character round in its place, or None when no further one fits.

    The first round is always begun: without it nothing is known and nothing could be kept.
    """
    if engine.hours is None or number == 1:
        return phase, goal
    target, hours = engine.config.loop.target, engine.hours

    def decide() -> tuple[str, str]:
        room = hours.left - closing_cost(engine, number)
        last = _round_cost(engine, number, "character", target)
        own = _round_cost(engine, number, phase, goal)
        if drawing_round(engine, number):  # its phase is that of the adapter that draws, and no other round must follow
            if own <= room:
                return phase, ""
        elif phase == "style" and own + last <= room:
            return phase, ""
        elif last <= room:
            return "character", "" if phase == "character" else "time is left for one round: it is the character phase"
        took = f"a round takes about {duration(last)} and finishing {duration(closing_cost(engine, number))}"
        return NO, f"no further round: {took}, {duration(max(0.0, hours.left))} are left"

    decided = _decided(engine, f"round {number}", decide)
    if decided == NO:
        return None
    return ("style", goal) if decided == "style" else ("character", target)


def another_wave(engine: Engine, number: int, wave: int) -> bool:
    """Whether a further wave of a round is begun; the first always is."""
    if engine.hours is None or wave == 1:
        return True
    hours = engine.hours

    def decide() -> tuple[str, str]:
        goal = next(one.goal for one in engine.store.rounds() if one.number == number)
        needed = _pictures(engine, goal, decoys=False) * speeds(engine).picture * WORTHWHILE
        if needed <= hours.left - closing_cost(engine, number):
            return YES, ""
        return NO, f"round {number}: no time for wave {wave}"

    return _decided(engine, f"round {number}, wave {wave}", decide) == YES


def cut_short(engine: Engine, number: int, wave: int, kinds: tuple[JobKind, ...], begun: bool) -> bool:
    """Whether the pictures of some kinds that a wave still lacks stay undrawn; asked before and after each batch.

    Where the time is too short for a wave, decoys of the base, which come first, are cut in the same proportion as the
    rest. At least one batch of each kind is drawn (``begun``), or nothing is known of the speed.
    """
    if engine.hours is None:
        return False
    name = f"round {number}, wave {wave}, {kinds[0]}"
    if engine.store.decision(f"{engine.hours.key}: {name}") is not None:
        return True
    jobs, missing = engine.store.jobs(number, wave), engine.store.missing_jobs(number, wave)
    ours, lack = ([job for job in some if job.kind in kinds] for some in (jobs, missing))
    if not begun or not lack or all(job.kind is JobKind.PROBE for job in jobs):
        return False
    pace, drawn = speeds(engine), len(jobs) - len(missing)
    room = engine.hours.left - closing_cost(engine, number) - drawn * pace.measured
    reached = (drawn + max(0.0, room) / max(pace.picture or pace.drawn, 1e-9)) / len(jobs)
    last_part = len(lack) == len(missing)
    if room > 0 and (last_part or len(ours) - len(lack) < reached * len(ours)):
        return False
    said = f"round {number}, wave {wave}: only time for {len(ours) - len(lack)} of {len(ours)} {_named(kinds)}"
    _decided(engine, name, lambda: (str(len(lack)), said))
    return True


def closing_cost(engine: Engine, number: int) -> float:
    """Seconds that the end of the story takes: the final training, its trials, files and report."""
    pace, loop = speeds(engine), engine.config.loop
    steps = recipe_for(engine, "character", number, loop.target + CUTS * len(engine.seeds)).steps
    return MARGIN * (steps * pace.step + PREVIEWS * loop.final_candidates * pace.picture) + REPORT


def _round_cost(engine: Engine, number: int, phase: Phase, goal: int) -> float:
    """Seconds of a round with one wave."""
    pace, pictures = speeds(engine), len(engine.usable_keeps()) + CUTS * len(engine.seeds)
    steps = 0 if drawing_round(engine, number) else recipe_for(engine, phase, number, pictures).steps
    return MARGIN * (steps * pace.step + _pictures(engine, goal) * pace.picture)


def _pictures(engine: Engine, goal: int, *, decoys: bool = True) -> int:
    """Candidates for the empty places on the way to a goal, and the decoys of a new adapter."""
    loop = engine.config.loop
    empty = empty_places(engine, places(goal, loop.target, engine.config.views))
    families = {view_family for view_family, _ in empty}
    return math.ceil(sum(empty.values()) * loop.candidates_a_place) + decoys * len(families) * loop.exchanged


def _decided(engine: Engine, name: str, decide: Callable[[], tuple[str, str]]) -> str:
    """The stored decision of that name under the present hours, or a fresh one, stored and (if it says so) told."""
    assert engine.hours is not None
    name = f"{engine.hours.key}: {name}"
    known = engine.store.decision(name)
    if known is None:
        value, said = decide()
        known = engine.store.decide(name, value, Incident(BUDGET, said) if said else None)
    return known


def _named(kinds: tuple[JobKind, ...]) -> str:
    return "decoys of the base" if JobKind.LOOKALIKE in kinds else "candidates and decoys"


def _each(seconds: float, count: int) -> float:
    return seconds / count if count else 0.0
