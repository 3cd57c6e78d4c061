"""Two ways of forcing more rounds than needed: our loop, and a set that each round replaces by its top-k.

A way plays one round at a time; an interrupted one continues. Does NOT know the truth, nor what is measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from bootstrap.config import LoopConfig
from bootstrap.records import Job, Phase, Round, RoundOutcome, Shot, TrainItem
from bootstrap.shots import places
from bootstrap.store.files import write_atomic
from loops.round import play_round
from loops.round_plan import RoundPlan
from loops.stopping import drifted, plateau
from scoring.measurement import Measurement, Picture
from scoring.paired import summed
from tests.benchmarks.puppetbench import growing
from tests.benchmarks.puppetbench.counting import Counting
from tests.benchmarks.puppetbench.stage import Stage

STEP = 4
"""Forced rounds beyond the target ask for target // STEP more pictures each."""


@dataclass(frozen=True)
class Played:
    """A finished round: its adapter, the phase of its prompts, how many pictures the set holds, its outcome."""

    adapter: Path | None
    phase: Phase
    kept: int
    outcome: RoundOutcome


class Way(Protocol):
    """Plays rounds 1, 2, … in order; a finished round is read from disk."""

    def play(self, number: int, phase: Phase, goal: int) -> Played:
        """The round, played or read."""


def plans(loop: LoopConfig, rounds: int) -> list[RoundPlan]:
    """Our own goals first, then further goals until every round has one: the set must grow, needed or not."""
    goals = [*(goal for goal in loop.goals if goal < loop.target), loop.target]
    while len(goals) < rounds:
        goals.append(goals[-1] + max(1, loop.target // STEP))
    phases: list[Phase] = ["style" if goal < loop.target else "character" for goal in goals]
    return [RoundPlan(n, phase, goal) for n, (phase, goal) in enumerate(zip(phases, goals, strict=True), 1)][:rounds]


class Ours:
    """Our rounds, one after the other, without the stopping rule."""

    def __init__(self, stage: Stage) -> None:
        self._engine = stage.open_run("drift-ours")

    def play(self, number: int, phase: Phase, goal: int) -> Played:
        store = self._engine.store
        done = {one.number: one for one in store.rounds() if one.outcome is not None}
        if number not in done:
            drawn_by = self._engine.drawing_round(store.rounds(), number)
            play_round(self._engine, RoundPlan(number, phase, goal, drawn_by))
            done = {one.number: one for one in store.rounds()}
        made = [one for one in store.adapters() if one.round <= number]
        path = store.directory / made[-1].path if made else None
        used: Phase = made[-1].phase if made else phase
        outcome = done[number].outcome
        assert outcome is not None
        return Played(path, used, outcome.kept, outcome)


class Replaced:
    """Each round trains on nothing but the top-k of the round before, scored by CLIP against the seeds."""

    def __init__(self, stage: Stage, pictures: int) -> None:
        self._stage, self._pictures = stage, pictures
        self._folder = stage.folder / "drift-topk"

    def play(self, number: int, phase: Phase, goal: int) -> Played:
        folder = self._folder / f"r{number:02d}"
        if not (folder / "done.json").is_file():
            self._play(number, phase, folder)
        plain = json.loads((folder / "done.json").read_text("utf-8"))
        return Played(Path(plain["adapter"]), phase, len(plain["kept"]), RoundOutcome(**plain["outcome"]))

    def _play(self, number: int, phase: Phase, folder: Path) -> None:
        stage = self._stage
        backend = Counting(stage.backend, stage.config.base.sampling)
        adapter = growing.train_on(stage, backend, folder, self._items(number, phase), phase)
        jobs = [stage.job(n, shot, phase) for n, shot in enumerate(self._shots(number))]
        drawn = growing.draw_jobs(backend, jobs, adapter)
        kept = [drawn[n] for n in growing.best_by_clip(stage, drawn, stage.config.loop.target)]
        items = growing.write_items(stage, kept, folder, phase)
        done = {
            "adapter": str(adapter),
            "kept": [asdict(item) for item in items],
            "outcome": asdict(outcome_of(stage, drawn, len(kept))),
        }
        write_atomic(folder / "done.json", json.dumps(done).encode())

    def _items(self, number: int, phase: Phase) -> list[TrainItem]:
        if number == 1:
            return self._stage.training_set(phase)
        plain = json.loads((self._folder / f"r{number - 1:02d}" / "done.json").read_text("utf-8"))
        return [TrainItem(**{**one, "tags": tuple(one["tags"])}) for one in plain["kept"]]

    def _shots(self, number: int) -> list[Shot]:
        """New shots of the whole grid each round, none of the test."""
        planner, count = self._stage.engine.planner, self._pictures
        shots: list[Shot] = []
        for _ in range(number):
            shots += planner.plan(places(count, count, self._stage.config.views), [*self._stage.panel, *shots])
        return shots[-count:]


def outcome_of(stage: Stage, drawn: Sequence[tuple[Job, Picture]], kept: int) -> RoundOutcome:
    """What `loops.stopping.outcome_of` says of a round, for pictures that are in no store."""
    judges = stage.engine.judges
    names = {"held_out": judges.held_out, "selecting": judges.identity[0]}
    found: dict[str, Any] = {}
    for role, name in names.items():
        values = growing.measure_with(stage, drawn, name) if name else []
        strata = _strata(drawn, values)
        found[f"{role}_strata"] = summed(strata)
        found[role] = fmean(fmean(one) for one in strata.values()) if strata else None
    return RoundOutcome(kept, kept, len(drawn), **found)


def _strata(drawn: Sequence[tuple[Job, Picture]], values: Sequence[Measurement]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for (job, _), one in zip(drawn, values, strict=bool(values)):
        if one.value is not None:
            found.setdefault(f"{job.shot.view_family}/{job.shot.framing}", []).append(one.value)
    return found


def stop_reason(outcomes: Sequence[RoundOutcome], plan: Sequence[RoundPlan]) -> str:
    """Whether the stopping rule ends a run after these rounds: "drift", "nothing new", or "" while it continues."""
    done = [Round(one.number, one.phase, one.goal, out) for one, out in zip(plan, outcomes, strict=False)]
    if drifted(done):
        return "drift"
    return "nothing new" if plateau(done) else ""
