"""At which weight a LoRA draws a round: tried on a probe before the first wave is planned.

A LoRA on a few seeds brings their scene and framing along at full weight, and too little of the subject at a low one.
The same shots with the same random seeds are drawn at each weight and by the base alone. The yield of a weight is the
share of its pictures that pass the checks, times how far it brings the identity scorers from what the base draws to the
best of the weights. The choice is stored, and followed by a run that continues. These pictures join no set. Knows no
model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bootstrap.compare.trial_shots import probe_shots
from bootstrap.records import Adapter, Frame, Shot
from bootstrap.store.decisions import DrawingWeightChosen
from loops.archive import Archive
from loops.blends import Weights, blend_of, can_be_attached
from loops.decoys import trait_slack
from loops.engine import Engine
from loops.jobs import Wave
from loops.trial_pictures import trial_pictures

__all__ = ["Drew", "at_drawing_weight", "best_weight"]

FIRST = 211
"""The wave of what the base draws of the probe; those of the weights follow."""


@dataclass(frozen=True, slots=True)
class Drew:
    """What was drawn of the probe at one weight: for each picture whether it passed the checks, and the mean of each
    identity scorer that could be measured."""

    passed: Sequence[bool] = ()
    likeness: Mapping[str, float] | None = None


def at_drawing_weight(engine: Engine, archive: Archive, number: int, adapter: Adapter | None) -> Weights | None:
    """What draws round ``number``: ``adapter`` at the weight found best for it, tried first where none is chosen."""
    weights = engine.config.loop.drawing_weights
    if adapter is None or weights == (1.0,):
        return adapter
    chosen = engine.store.decided(DrawingWeightChosen, adapter=adapter.id)
    if chosen is None:
        lowered, untried = blend_of(engine, adapter, weights[0]), f'the LoRA "{adapter.id}" draws at full weight'
        if not can_be_attached(engine, lowered, untried):  # a DoRA cannot be blended
            return adapter
        chosen = _try(engine, archive, number, adapter, weights)
    return blend_of(engine, adapter, chosen.weight)


def best_weight(tried: Mapping[float, Drew], base: Drew) -> tuple[float, dict[float, float]]:
    """The weight of the highest yield, and the yield of each; of equal ones the highest weight."""
    gains: dict[float, list[float]] = {weight: [] for weight in tried}
    for scorer, floor in (base.likeness or {}).items():
        values = {weight: (drew.likeness or {}).get(scorer, floor) for weight, drew in tried.items()}
        span = max(values.values()) - floor
        for weight, value in values.items():
            gains[weight].append(max(0.0, value - floor) / span if span > 0 else 0.0)
    yields = {}
    for weight, drew in tried.items():
        yields[weight] = fmean(drew.passed) * fmean(gains[weight]) if drew.passed and gains[weight] else 0.0
    return max(yields, key=lambda weight: (yields[weight], weight)), yields


def _try(
    engine: Engine, archive: Archive, number: int, adapter: Adapter, weights: Sequence[float]
) -> DrawingWeightChosen:
    """Draw the probe by the base and at each weight, and store which one draws; one alone needs no probe."""
    if len(weights) == 1:
        return engine.store.decide(DrawingWeightChosen(adapter.id, weights[0], {}))
    named = engine.training_sets.named_traits(archive, adapter.round, adapter.phase)
    shots = probe_shots(engine.planner, engine.config.views)
    base = _drew(engine, Wave(number, FIRST, frozenset(engine.character.identity), adapter=False), None, shots)
    tried = {}
    for wave, weight in enumerate(weights, FIRST + 1):
        tried[weight] = _drew(engine, Wave(number, wave, named), blend_of(engine, adapter, weight), shots)
    best, yields = best_weight(tried, base)
    told = ", ".join(f"{weight:g}: {worth:.2f}" for weight, worth in yields.items())
    engine.note(f'round {number}: the LoRA "{adapter.id}" draws at weight {best:g} (passed x likeness {told})')
    rounded = {f"{weight:g}": round(worth, 4) for weight, worth in yields.items()}
    return engine.store.decide(DrawingWeightChosen(adapter.id, best, rounded))


def _drew(engine: Engine, wave: Wave, weights: Weights | None, shots: Sequence[Shot]) -> Drew:
    """What some weights draw of the probe, measured."""
    jobs = [engine.job_maker.trial_job(wave, shot, ()) for shot in shots]
    frames, judges = trial_pictures(engine, wave, weights, jobs), engine.judges
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
