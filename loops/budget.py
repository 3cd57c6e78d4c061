"""What still fits into the hours that a person gave: the next round, the next wave, the rest of a wave's pictures.

The run's own events say how fast it works. What the finish needs (the final training, its trials, the report) is set
aside first; the rest is spent on rounds, and a growing round only where a finishing round fits after it. Every decision
is a row, followed by whoever continues the run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootstrap.config import LoopConfig
from bootstrap.config.run_settings import BaseConfig
from bootstrap.events import AdapterTrained, BatchGenerated, Event, Incident, ScoresMeasured
from bootstrap.records import PREVIEW_KINDS, Job, JobKind, Phase, Seed
from bootstrap.runs.sentences import duration
from bootstrap.shots import Cell
from bootstrap.store.decisions import AcceptanceBudget, RoundBudget, ShowcaseBudget, WaveBudget, WaveCut
from bootstrap.store.store import Store
from loops.time_left import Hours

__all__ = [
    "Budget",
    "Speeds",
    "Work",
    "acceptance_fits",
    "another_wave",
    "closing_seconds",
    "cut_short",
    "fitting_phase",
    "fitting_round",
    "originals_of",
    "showcase_fits",
    "speeds_of",
    "wanted_pictures",
]

PREVIEWS = 14
"""Pictures with which each of the final weights is tried, about."""
REPORT = 20.0
"""Seconds for files and report."""
MARGIN = 1.1
"""What is set aside over what was measured."""
WORTHWHILE = 0.5
"""Share of a wave that must fit for it to be begun."""
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


@dataclass(frozen=True, slots=True)
class Work:
    """Training steps, and pictures to draw and measure."""

    steps: int
    pictures: int

    def seconds(self, speeds: Speeds) -> float:
        """How long it takes, with a margin."""
        return MARGIN * (self.steps * speeds.step + self.pictures * speeds.picture)


@dataclass(frozen=True, slots=True)
class Budget:
    """The hours of a run, and the training steps and trials of its finish, which are set aside.

    ``acceptance`` counts the pictures by which the finished LoRA is judged, those of the choice apart.
    """

    hours: Hours
    final_steps: int
    final_candidates: int
    acceptance: int = 0

    @property
    def key(self) -> str:
        """Names the hours that a person gave; under others everything is decided anew."""
        return self.hours.key

    def closing(self, speeds: Speeds) -> float:
        """Seconds that the finish takes."""
        return closing_seconds(speeds, self.final_steps, self.final_candidates, self.acceptance)

    def room(self, speeds: Speeds) -> float:
        """Seconds that are left for rounds, below 0 when they are over."""
        return self.hours.left - self.closing(speeds)


def speeds_of(events: Sequence[Event]) -> Speeds:
    """How fast a run works, from all its events."""
    trained = [event for event in events if isinstance(event, AdapterTrained)]
    drawn = [event for event in events if isinstance(event, BatchGenerated)]
    measured = [event for event in events if isinstance(event, ScoresMeasured)]
    return Speeds(
        _each(sum(event.seconds for event in trained), sum(event.steps for event in trained)),
        _each(sum(event.seconds for event in drawn), sum(event.pictures for event in drawn)),
        _each(sum(event.seconds for event in measured), sum(event.pictures for event in measured)),
    )


def closing_seconds(speeds: Speeds, steps: int, candidates: int, acceptance: int = 0) -> float:
    """Seconds that the end of a run takes: the final training, its trials, files and report."""
    return Work(steps, PREVIEWS * candidates + acceptance).seconds(speeds) + REPORT


def originals_of(seeds: Sequence[Seed], base: BaseConfig) -> int:
    """How many training pictures the seeds give at most: one that does not anchor gives itself."""
    return sum(base.cuts.most if seed.anchor else 1 for seed in seeds)


def wanted_pictures(empty: Mapping[Cell, int], loop: LoopConfig, *, decoys: bool = True) -> int:
    """Candidates for the empty places, and the decoys of a new adapter."""
    pictures = math.ceil(sum(empty.values()) * loop.candidates_a_place)
    if decoys:
        pictures += len({view_family for view_family, _ in empty}) * loop.exchanged
    return pictures


def fitting_phase(
    asked: Phase, finishing: Phase, room: float, asked_seconds: float, finishing_seconds: float, *, drawn_before: bool
) -> Phase | None:
    """The phase of the next round in ``room`` seconds: the one asked for, the finishing one in its place, or None.

    ``drawn_before``: an earlier round's adapter draws, so the phase is that adapter's and no other round must follow.
    """
    if drawn_before:
        return asked if asked_seconds <= room else None
    if asked != finishing and asked_seconds + finishing_seconds <= room:
        return asked
    return finishing if finishing_seconds <= room else None


def fitting_round(
    store: Store,
    budget: Budget,
    number: int,
    asked: tuple[Phase, Work],
    finishing: tuple[Phase, Work],
    *,
    drawn_before: bool,
    told: bool = True,
) -> Phase | None:
    """The phase in which round ``number`` is played, as it was decided; None when no further one fits.

    ``asked`` is the round that the rules ask for, ``finishing`` one of the finishing phase in its place. ``told``: an
    event says so where it is another one, or none.
    """
    decided = store.decided(RoundBudget, budget=budget.key, round=number)
    if decided is not None:
        return decided.phase
    speeds = speeds_of(store.events())
    seconds, last = asked[1].seconds(speeds), finishing[1].seconds(speeds)
    phase = fitting_phase(asked[0], finishing[0], budget.room(speeds), seconds, last, drawn_before=drawn_before)
    event = None
    if phase is None:
        took = f"a round takes about {duration(last)} and finishing {duration(budget.closing(speeds))}"
        left = duration(max(0.0, budget.hours.left))
        event = Incident(BUDGET, f"no further round: {took}, {left} are left")
    elif phase != asked[0]:
        event = Incident(BUDGET, f"time is left for one round: it is the {phase} phase")
    return store.decide(RoundBudget(budget.key, number, phase), event if told else None).phase


def another_wave(store: Store, budget: Budget, number: int, wave: int, candidates: int) -> bool:
    """Whether a further wave of so many candidates is begun; the first always is."""
    if wave == 1:
        return True
    decided = store.decided(WaveBudget, budget=budget.key, round=number, wave=wave)
    if decided is None:
        speeds = speeds_of(store.events())
        begun = candidates * speeds.picture * WORTHWHILE <= budget.room(speeds)
        event = None if begun else Incident(BUDGET, f"round {number}: no time for wave {wave}")
        decided = store.decide(WaveBudget(budget.key, number, wave, begun), event)
    return decided.begun


def acceptance_fits(store: Store, budget: Budget, number: int) -> bool:
    """Whether the finished LoRA is tried; its time was set aside, but the final training may have taken longer."""
    decided = store.decided(AcceptanceBudget, budget=budget.key, round=number)
    if decided is None:
        seconds = Work(0, budget.acceptance).seconds(speeds_of(store.events()))
        drawn = seconds <= budget.hours.left - REPORT
        took = f"no acceptance: it takes about {duration(seconds)}, {duration(max(0.0, budget.hours.left))} are left"
        decided = store.decide(AcceptanceBudget(budget.key, number, drawn), None if drawn else Incident(BUDGET, took))
    return decided.drawn


def showcase_fits(store: Store, budget: Budget, number: int, pictures: int) -> bool:
    """Whether a showcase of so many pictures is drawn after the rounds; nothing is set aside for it."""
    decided = store.decided(ShowcaseBudget, budget=budget.key, round=number)
    if decided is None:
        seconds = Work(0, pictures).seconds(speeds_of(store.events()))
        drawn = seconds <= budget.hours.left - REPORT
        took = f"no showcase: it takes about {duration(seconds)}, {duration(max(0.0, budget.hours.left))} are left"
        event = None if drawn else Incident(BUDGET, took)
        decided = store.decide(ShowcaseBudget(budget.key, number, drawn), event)
    return decided.drawn


def cut_short(
    store: Store,
    budget: Budget,
    number: int,
    wave: int,
    kinds: tuple[JobKind, ...],
    *,
    begun: bool,
    drawer: str = "",
) -> bool:
    """Whether the pictures of some kinds that a wave still lacks stay undrawn; asked before and after each batch.

    ``drawer`` is the one of two that share the work of whose pictures this is asked.

    Where the time is too short for a wave, decoys of the base, which come first, are cut in the same proportion as the
    rest. At least one batch of each kind is drawn (``begun``), or nothing is known of the speed.
    """
    lookalikes, key = JobKind.LOOKALIKE in kinds, f"{budget.key} {drawer}".rstrip()
    if store.decided(WaveCut, budget=key, round=number, wave=wave, lookalikes=lookalikes):
        return True
    jobs, missing = store.jobs(number, wave), store.missing_jobs(number, wave)
    part = [job for job in jobs if job.kind in kinds and drawer in ("", job.drawer)]
    missing_part = [job for job in missing if job.kind in kinds and drawer in ("", job.drawer)]
    if not begun or not missing_part or all(job.kind in PREVIEW_KINDS for job in jobs):
        return False
    speeds = speeds_of(store.events())
    if _goes_on(jobs, missing, part, missing_part, speeds, budget.room(speeds)):
        return False
    names = "decoys of the base" if lookalikes else "candidates and decoys"
    reached = f"only time for {len(part) - len(missing_part)} of {len(part)} {names}"
    event = Incident(BUDGET, f"round {number}, wave {wave}: {reached}")
    store.decide(WaveCut(key, number, wave, lookalikes, len(missing_part)), event)
    return True


def _goes_on(
    jobs: Sequence[Job],
    missing: Sequence[Job],
    part: Sequence[Job],
    missing_part: Sequence[Job],
    speeds: Speeds,
    room: float,
) -> bool:
    """Whether one more batch of a part of a wave is drawn in ``room`` seconds, what was drawn still to be measured."""
    drawn = len(jobs) - len(missing)
    room -= drawn * speeds.measured
    share = (drawn + max(0.0, room) / max(speeds.picture or speeds.drawn, 1e-9)) / len(jobs)
    last_part = len(missing_part) == len(missing)
    return room > 0 and (last_part or len(part) - len(missing_part) < share * len(part))


def _each(seconds: float, count: int) -> float:
    return seconds / count if count else 0.0
