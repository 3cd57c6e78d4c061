"""The final LoRA: one training that leaves several weights, a fixed probe drawn with each, and the best of them.

The probe asks for every view family and for the words that the character must obey, by the trigger alone, with the same
random seeds for all. What the chosen weights drew are the previews. The held-out encoder has no say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bootstrap.compare.grid import BASE
from bootstrap.compare.results import results
from bootstrap.compare.trial_shots import KNOWN, probe_shots
from bootstrap.panel.judges import Judges
from bootstrap.records import Adapter, Frame, JobKind, Shot, TrainItem
from bootstrap.store.decisions import FinalCandidates
from loops.archive import Archive
from loops.draw import draw
from loops.engine import Engine
from loops.jobs import Wave
from loops.measure import measure
from loops.ranking import ranked, scores_of
from loops.train import train_finished
from loops.weights_again import whole_adapter, whole_candidates, whole_drawers
from scoring.calibrate import Ranked
from scoring.measurement import Measurement
from scoring.trials import Trial, best_of

__all__ = ["drawn_trial", "final_adapter"]


def final_adapter(engine: Engine, archive: Archive, number: int, items: Sequence[TrainItem]) -> Adapter:
    """The finished LoRA: trained on ``items``, compared and chosen. Raises BackendError when there are none."""
    name = Adapter.final_id(number)
    for adapter in engine.store.adapters():
        if adapter.training == name:
            return whole_adapter(engine, adapter)
    adapters = _candidates(engine, number, items)
    named = engine.training_sets.named_traits(archive, number, engine.config.subject.finishing.name)
    probe, trials = probe_shots(engine.planner, engine.config.views), []
    for wave, adapter in enumerate(reversed(adapters), 1):
        trials.append(_trial(engine, Wave(number, wave, named), adapter, probe))
    trials.reverse()
    best = best_of(trials)
    if len(adapters) > 1:
        engine.note(_why_these(adapters, trials, best))
    engine.store.add_adapter(adapters[best])
    return adapters[best]


def _candidates(engine: Engine, number: int, items: Sequence[TrainItem]) -> list[Adapter]:
    """The weights to choose from, by their steps; a resumed run finds them as decided on.

    Those of the seeds alone are the last, which stand unless others draw a clearly better probe: where few pictures
    teach nearly all, what is drawn must show that it teaches more (LOG "When a style's LoRA joins").
    """
    decided = engine.store.decided(FinalCandidates, round=number)
    if decided is None:
        phase = engine.config.subject.finishing.name
        whole_drawers(engine, items, phase)
        adapters, event = train_finished(engine, items, number, phase)
        decided = engine.store.decide(FinalCandidates(number, tuple(adapters)), event)
        engine.store.add_seconds("train", event.seconds)
    return sorted(whole_candidates(engine, decided).tried, key=lambda one: one.of_seeds)


def _trial(engine: Engine, wave: Wave, adapter: Adapter, probe: Sequence[Shot]) -> Trial:
    """What an adapter draws of the probe, measured and ranked."""
    engine.store.plan([engine.job_maker.preview_job(wave, shot) for shot in probe])
    draw(engine, wave.round, wave.number, adapter)
    return drawn_trial(engine, adapter)


def drawn_trial(engine: Engine, adapter: Adapter) -> Trial:
    """What weights of a final training have drawn of the probe, measured and ranked."""
    frames = engine.store.frames(adapter.round, kind=JobKind.PROBE)
    return ranked_trial(engine, [frame for frame in frames if frame.adapter == adapter.id])


def ranked_trial(engine: Engine, frames: Sequence[Frame]) -> Trial:
    """Pictures of a probe, measured, and ranked among the run's decoys."""
    measure(engine, frames)
    archive = engine.archive()
    return trial_of(frames, ranked(frames, archive, engine.judges, engine.config), archive.measurements, engine.judges)


def trial_of(
    frames: Sequence[Frame],
    ranks: Mapping[str, Ranked],
    measured: Mapping[str, Mapping[str, Measurement]],
    judges: Judges,
) -> Trial:
    """The pictures of a probe as `scoring.trials` compares them."""
    return results(BASE, frames, [KNOWN] * len(frames), measured, scores_of(ranks), judges).trial


def _why_these(adapters: Sequence[Adapter], trials: Sequence[Trial], best: int) -> str:
    """Why these weights, in one line."""
    each = []
    for adapter, trial in zip(adapters, trials, strict=True):
        text = f"{_named(adapter)}: {trial.identity:.2f} x {trial.control:.2f}"
        if trial.faulty:
            text += f", {trial.faulty} of {len(trial.drawn)} faulty"
        each.append(text)
    compared = f"(identity x control on the probe: {'; '.join(each)})"
    return f"the final LoRA is that of {_named(adapters[best])} {compared}"


def _named(adapter: Adapter) -> str:
    return "the seeds alone" if adapter.of_seeds else f"step {adapter.steps}"
