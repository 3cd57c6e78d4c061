"""How strongly each view family heeds the references: tried with a few pictures before the first wave is planned.

A drawer of references has one dial from obedience to likeness, and where it stands best depends on the view. The same
shots with the same random seeds are drawn at each strength, from the seeds and from portraits of other individuals. A
strength's yield is the share of its pictures that pass the checks, times the chance that one shown the seed is more
alike than one shown somebody else. The choice is stored, and followed by a run that continues. Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bootstrap.records import Frame, Job, JobKind
from bootstrap.store.decisions import StrengthsChosen
from loops.archive import Measured
from loops.blends import Weights
from loops.decoys import trait_slack
from loops.draw import draw
from loops.engine import Engine
from loops.jobs import JobMaker, Wave
from loops.measure import measure
from loops.shown import Shown

__all__ = ["Tried", "best_strength", "with_strengths"]

SHRINKAGE = 6
"""Pictures of all view families together that count as much as those of the view family itself: a few pictures alone
say little."""


def with_strengths(
    engine: Engine, wave: Wave, weights: Weights | None, shown: Shown, maker: JobMaker | None = None
) -> Shown:
    """What the drawer of ``maker`` is shown, with the strength of each view family.

    Tries strengths first where none are chosen.
    """
    if len(shown.settings.strengths) < 2:  # of two drawers, one may try them
        return shown
    tries = not engine.store.jobs(kind=JobKind.CANDIDATE)
    chosen = engine.store.decided(StrengthsChosen)
    if tries and chosen is None:
        chosen = _try(engine, maker or engine.job_maker, wave, weights, shown)
    return replace(shown, strengths=chosen.strengths) if chosen else shown


def _try(engine: Engine, maker: JobMaker, wave: Wave, weights: Weights | None, shown: Shown) -> StrengthsChosen:
    """Draw and measure the pictures of the trial, and store what each view family is drawn with."""
    store, chosen, yields = engine.store, {}, {}
    if not store.jobs(kind=JobKind.TRIAL):
        store.plan(_trial(engine, maker, wave, shown))
    draw(engine, wave.round, wave.number, weights)
    left_out = engine.lost | engine.archive().refusals.keys()
    frames = [frame for frame in store.frames(kind=JobKind.TRIAL) if frame.job.id not in left_out]
    measure(engine, frames)
    tried = _tried(engine, frames, shown)
    everywhere = _pooled(tried)
    for view_family in engine.config.views.families:
        best, found = best_strength(tried.get(view_family, {}), everywhere, shown.settings.strength)
        chosen[view_family], yields[view_family] = best, {f"{one:g}": round(worth, 4) for one, worth in found.items()}
    told = ", ".join(f"{name} {strength:g}" for name, strength in chosen.items())
    engine.note(f"how strongly references are heeded, by {len(frames)} pictures: {told}")
    return store.decide(StrengthsChosen(chosen, yields))


def _trial(engine: Engine, maker: JobMaker, wave: Wave, shown: Shown) -> list[Job]:
    """The same shots at each strength, shown the seeds and shown somebody else."""
    cells: dict[tuple[str, str], int] = {}
    framings = list(engine.config.views.framings)
    for view_family in engine.config.views.families:
        for number in range(shown.settings.trial_pictures):
            cell = view_family, framings[number % len(framings)]
            cells[cell] = cells.get(cell, 0) + 1
    jobs = []
    for shot in engine.planner.plan(cells, []):
        for strength in shown.settings.strengths:
            at = replace(shown, strengths=dict.fromkeys(engine.config.views.families, strength))
            for references in (at.candidate(shot), at.stranger(shot)):
                jobs.append(maker.trial_job(wave, shot, references))
    return jobs


@dataclass(frozen=True, slots=True)
class Tried:
    """What a trial found at one strength: for each picture that was shown the seeds whether it passed the checks, and
    for each pair the share of identity scorers that find it more alike than the one shown somebody else."""

    passed: Sequence[bool] = ()
    nearer: Sequence[float] = ()

    @property
    def worth(self) -> float:
        """The share that passed, times the chance of being more alike; 0 without pictures."""
        if not self.passed or not self.nearer:
            return 0.0
        return fmean(self.passed) * fmean(self.nearer)


AtStrengths = Mapping[float, Tried]


def best_strength(own: AtStrengths, everywhere: AtStrengths, usual: float) -> tuple[float, dict[float, float]]:
    """The strength of the highest yield, and the yield of each; of equal ones the nearest to ``usual``.

    ``own`` are the pictures of a view family, ``everywhere`` those of all, which stand in for it in part.
    """
    yields = {}
    for strength, pooled in everywhere.items():
        found = own.get(strength, Tried())
        count = len(found.passed)
        yields[strength] = (count * found.worth + SHRINKAGE * pooled.worth) / (count + SHRINKAGE)
    best = max(yields.values(), default=0.0)
    equal = [strength for strength, value in yields.items() if value == best] or [usual]
    return min(equal, key=lambda strength: (abs(strength - usual), strength)), yields


def _pooled(tried: Mapping[str, AtStrengths]) -> dict[float, Tried]:
    """What was found at each strength in all view families together."""
    found: dict[float, Tried] = {}
    for families in tried.values():
        for strength, one in families.items():
            before = found.get(strength, Tried())
            found[strength] = Tried([*before.passed, *one.passed], [*before.nearer, *one.nearer])
    return found


def _tried(engine: Engine, frames: Sequence[Frame], shown: Shown) -> dict[str, dict[float, Tried]]:
    """View family → strength → what was found there."""
    archive, seeds = engine.archive(), {seed.path for seed in shown.seeds}
    slack, measured = trait_slack(archive, engine.config), archive.measurements
    others: dict[tuple[str, float], Frame] = {}
    for frame in frames:
        if frame.job.references[0].path not in seeds:
            others[frame.job.shot.key, frame.job.references[0].strength] = frame
    found: dict[str, dict[float, Tried]] = {}
    for frame in frames:
        reference, shot = frame.job.references[0], frame.job.shot
        if reference.path not in seeds:
            continue
        passes = not engine.judges.failures(measured[frame.job.id], slack[shot.view_family])
        other = others.get((shot.key, reference.strength))
        nearer = _nearer(frame, other, measured, engine.judges.identity) if other else []
        at = found.setdefault(shot.view_family, {})
        before = at.get(reference.strength, Tried())
        at[reference.strength] = Tried([*before.passed, passes], [*before.nearer, *nearer])
    return found


def _nearer(frame: Frame, other: Frame, measured: Measured, scorers: Sequence[str]) -> list[float]:
    """The share of scorers that find a picture more alike than its counterpart; empty where none can tell."""
    answers = []
    for name in scorers:
        own, theirs = measured[frame.job.id][name].value, measured[other.job.id][name].value
        if own is not None and theirs is not None:
            answers.append(float(own > theirs))
    return [fmean(answers)] if answers else []
