"""Whether the set is large enough: the LoRA of the last round draws a probe below its full weight, and holds.

Guides to LoRAs from one picture add pictures until the LoRA works at weight 0.8. It holds where what it draws is on
average as alike as what the gate begins to admit, and shows of what was asked about as much as the base does from
words. A set that still lacks one of its views is never large enough. These pictures join no set. The answer is stored.
Knows no model.
"""

from __future__ import annotations

from bootstrap.compare.trial_shots import probe_shots
from bootstrap.dataset.minimums import missing_views
from bootstrap.records import Adapter, Round
from bootstrap.report.acceptance_numbers import AS_THE_BASE, HOLDS
from bootstrap.store.decisions import WeightHeld
from loops.archive import Archive
from loops.blends import Weights, blend_of, can_be_attached
from loops.draw import draw
from loops.engine import Engine
from loops.final import ranked_trial
from loops.jobs import Wave
from scoring.trials import Trial

__all__ = ["holds", "is_enough"]

LOWERED, FROM_WORDS = 401, 402
"""The waves of the LoRA's pictures and of the base's, beyond those of the finished LoRA's acceptance."""


def is_enough(engine: Engine, archive: Archive) -> bool:
    """Whether the LoRA of the last round holds at `LoopConfig.enough_at`; no where nothing is asked or trained.

    Nor while no kept picture shows one of the planned views: there it is not even tried.
    """
    weight, done = engine.config.loop.enough_at, [one for one in archive.rounds if one.outcome is not None]
    adapter = engine.adapter(done[-1].adapter) if done and weight else None
    if weight is None or adapter is None:
        return False
    if missing := missing_views(
        [frame.job.shot for frame in archive.usable_keeps],
        engine.places(engine.config.loop.target),
        engine.config.views,
    ):
        named = " or ".join(f'"{words}"' for words in missing)
        engine.note(f"round {done[-1].number}: the set goes on growing: no kept picture shows {named}")
        return False
    decided = engine.store.decided(WeightHeld, round=done[-1].number, weight=weight)
    if decided is None and _can_be_lowered(engine, adapter, weight):
        decided = _try(engine, archive, done[-1], adapter, weight)
    return decided is not None and decided.held


def holds(lowered: Trial, base: Trial) -> bool:
    """Whether the probe of a LoRA is alike enough, and as obedient as the base's."""
    return lowered.identity >= HOLDS and lowered.control >= AS_THE_BASE * base.control


def _can_be_lowered(engine: Engine, adapter: Adapter, weight: float) -> bool:
    """Whether an adapter can be drawn with at a weight; a DoRA cannot."""
    untried = f'the LoRA "{adapter.id}" is not tried at weight {weight:g}'
    return can_be_attached(engine, blend_of(engine, adapter, weight), untried)


def _try(engine: Engine, archive: Archive, last: Round, adapter: Adapter, weight: float) -> WeightHeld:
    """Draw the probe at the weight and by the base, and store whether it holds."""
    named = engine.training_sets.named_traits(archive, adapter.round, adapter.phase)
    lowered = _trial(engine, Wave(last.number, LOWERED, named), blend_of(engine, adapter, weight))
    base = _trial(engine, Wave(last.number, FROM_WORDS, adapter=False), None)
    held = holds(lowered, base)
    found = f"identity {lowered.identity:.2f}, control {lowered.control:.2f}, by the base {base.control:.2f}"
    says = "holds: the set grows no more" if held else "does not hold yet"
    engine.note(f'round {last.number}: at weight {weight:g} the LoRA "{adapter.id}" {says} ({found})')
    return engine.store.decide(WeightHeld(last.number, weight, held))


def _trial(engine: Engine, wave: Wave, weights: Weights | None) -> Trial:
    """What some weights draw of the probe, measured and ranked among the run's decoys."""
    store, shots = engine.store, probe_shots(engine.planner, engine.config.views)
    store.plan([engine.job_maker.acceptance_job(wave, shot, f"w{wave.number}") for shot in shots])
    draw(engine, wave.round, wave.number, weights)
    return ranked_trial(engine, [one for one in store.frames(wave.round, wave.number) if one.job.id not in engine.lost])
