"""After which share of the steps the LoRA of a round joins the base: tried on a probe before the first wave is planned.

A LoRA on a few seeds brings their scene along, because it draws the first steps, which lay out a picture. Where the
base draws these alone, scene and framing are what the words ask for; where the LoRA joins too late, little of the
subject is left. The same shots with the same random seeds are drawn with each share and by the base alone. The yield of
a share is how many of its pictures pass the checks, times how far it brings the identity scorers from what the base
draws to the best of the shares. The choice is stored, and followed by a run that continues. These pictures join no set.
Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bootstrap.compare.trial_shots import probe_shots
from bootstrap.records import Adapter, Frame, Shot
from bootstrap.store.decisions import LoraStartChosen
from loops.archive import Archive
from loops.decoys import trait_slack
from loops.engine import Engine
from loops.jobs import Wave
from loops.trial_pictures import trial_pictures

__all__ = ["Drew", "best_start", "lora_start"]

FIRST = 211
"""The wave of what the base draws of the probe; those of the shares follow."""


@dataclass(frozen=True, slots=True)
class Drew:
    """What was drawn of the probe with one share: for each picture whether it passed the checks, and the mean of each
    identity scorer that could be measured."""

    passed: Sequence[bool] = ()
    likeness: Mapping[str, float] | None = None


def lora_start(engine: Engine, archive: Archive, number: int, adapter: Adapter | None) -> float:
    """The share of the steps after which ``adapter`` joins in round ``number``, tried first where none is chosen."""
    if adapter is None:
        return 0.0
    starts = engine.config.loop.lora_starts
    if len(starts) == 1:
        return starts[0]
    chosen = engine.store.decided(LoraStartChosen, adapter=adapter.id)
    return (chosen or _try(engine, archive, number, adapter, starts)).start


def best_start(tried: Mapping[float, Drew], base: Drew) -> tuple[float, dict[float, float]]:
    """The share of the highest yield, and the yield of each; of equal ones the earliest."""
    gains: dict[float, list[float]] = {start: [] for start in tried}
    for scorer, floor in (base.likeness or {}).items():
        values = {start: (drew.likeness or {}).get(scorer, floor) for start, drew in tried.items()}
        span = max(values.values()) - floor
        for start, value in values.items():
            gains[start].append(max(0.0, value - floor) / span if span > 0 else 0.0)
    yields = {}
    for start, drew in tried.items():
        yields[start] = fmean(drew.passed) * fmean(gains[start]) if drew.passed and gains[start] else 0.0
    return max(yields, key=lambda start: (yields[start], -start)), yields


def _try(engine: Engine, archive: Archive, number: int, adapter: Adapter, starts: Sequence[float]) -> LoraStartChosen:
    """Draw the probe by the base and with each share, and store which one draws."""
    named = engine.training_sets.named_traits(archive, adapter.round, adapter.phase)
    shots = probe_shots(engine.planner, engine.config.views)
    base = _drew(engine, Wave(number, FIRST, frozenset(engine.character.identity), adapter=False), None, shots)
    tried = {}
    for wave, start in enumerate(starts, FIRST + 1):
        tried[start] = _drew(engine, Wave(number, wave, named, lora_start=start), adapter, shots)
    best, yields = best_start(tried, base)
    told = ", ".join(f"{start:g}: {worth:.2f}" for start, worth in yields.items())
    when = f"after {best:g} of the steps" if best else "from the first step"
    engine.note(f'round {number}: the LoRA "{adapter.id}" joins {when} (passed x likeness {told})')
    rounded = {f"{start:g}": round(worth, 4) for start, worth in yields.items()}
    return engine.store.decide(LoraStartChosen(adapter.id, best, rounded))


def _drew(engine: Engine, wave: Wave, adapter: Adapter | None, shots: Sequence[Shot]) -> Drew:
    """What is drawn of the probe in a wave, measured."""
    jobs = [engine.job_maker.trial_job(wave, shot, ()) for shot in shots]
    frames, judges = trial_pictures(engine, wave, adapter, jobs), engine.judges
    archive = engine.archive()
    slack = trait_slack(archive, engine.config)
    passed = []
    for frame in frames:
        passed.append(not judges.failures(archive.measurements[frame.job.id], slack[frame.job.shot.view_family]))
    return Drew(passed, _likeness(frames, archive, judges.identity))


def _likeness(frames: Sequence[Frame], archive: Archive, scorers: Sequence[str]) -> dict[str, float]:
    """Scorer → the mean of what it measured; without those that measured nothing."""
    found = {}
    for name in scorers:
        answers = [archive.measurements[frame.job.id][name].value for frame in frames]
        known = [value for value in answers if value is not None]
        if known:
            found[name] = fmean(known)
    return found
