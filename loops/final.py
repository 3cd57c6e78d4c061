"""The final LoRA: one training that leaves several weights, a fixed panel drawn with each, and the best of them.

The panel asks for every view family and for the words that the character must obey, by the trigger alone, with the same
random seeds for all. What the chosen weights drew are the previews. The held-out encoder has no say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bootstrap.panel.judges import ASKED, FAULTS
from bootstrap.records import FINAL, Adapter, Frame, Job, JobKind, Shot, random_seed_of
from bootstrap.store.decisions import FinalCandidates
from loops.choose import ranked
from loops.draw import draw
from loops.engine import Engine
from loops.measure import measure
from loops.train import named_traits, trained
from scoring.base import Measurement
from scoring.trials import Drawn, Trial, best_of

__all__ = ["final_adapter"]

PREVIEWS = 2
"""Pictures of the panel a view family."""


def final_adapter(engine: Engine, number: int, provisional: tuple[Frame, ...] = ()) -> Adapter:
    """The finished LoRA: trained, tried and chosen. Raises BackendError when there is nothing to train it on."""
    name = f"{FINAL}r{number:02d}"
    if done := next((one for one in engine.store.adapters() if one.id.split("-step")[0] == name), None):
        return done
    adapters = _trained(engine, number, name, provisional)
    trials = [_try(engine, number, wave, one) for wave, one in enumerate(reversed(adapters), 1)][::-1]
    best = best_of(trials)
    if len(adapters) > 1:
        engine.note(_said(adapters, trials, best))
    engine.store.add_adapter(adapters[best])
    return adapters[best]


def _trained(engine: Engine, number: int, name: str, provisional: tuple[Frame, ...]) -> list[Adapter]:
    """All weights of the final training, by their steps; a resumed run finds them as they were decided on."""
    if (found := engine.store.decided(FinalCandidates, round=number)) is None:
        count = engine.config.loop.final_candidates
        adapters, told = trained(engine, number, "character", name, provisional, count)
        found = engine.store.decide(FinalCandidates(number, tuple(adapters)), told)
        engine.store.add_seconds("train", told.seconds)
    return list(found.adapters)


def _try(engine: Engine, number: int, wave: int, adapter: Adapter) -> Trial:
    """What an adapter draws of the panel, measured."""
    engine.store.plan([_job(engine, number, wave, shot) for shot in _panel(engine)])
    draw(engine, number, wave, adapter)
    frames = [frame for frame in engine.store.frames(number, wave, JobKind.PROBE) if frame.adapter == adapter.id]
    measure(engine, frames)
    return _trial(engine, frames)


def _trial(engine: Engine, frames: Sequence[Frame]) -> Trial:
    measured = engine.store.measurements()
    ranks = ranked(engine, frames, measured)
    scores = {id: rank.score if rank.weakest else None for id, rank in ranks.items()}
    return Trial(tuple(_drawn(scores[frame.job.id], measured[frame.job.id]) for frame in frames))


def _drawn(identity: float | None, values: Mapping[str, Measurement]) -> Drawn:
    asked = [one.value for name, one in values.items() if name.startswith(ASKED) and one.value is not None]
    faults = [values[name].value for name in FAULTS if name in values]
    return Drawn(identity, tuple(value >= 0 for value in asked), any(v is not None and v < 0 for v in faults))


def _said(adapters: Sequence[Adapter], trials: Sequence[Trial], best: int) -> str:
    """Why these weights, in one line."""
    each = "; ".join(
        f"step {one.steps}: {trial.identity:.2f} x {trial.control:.2f}"
        + (f", {trial.faulty} of {len(trial.drawn)} faulty" if trial.faulty else "")
        for one, trial in zip(adapters, trials, strict=True)
    )
    return f"the final LoRA is that of step {adapters[best].steps} (identity x control on the panel: {each})"


def _panel(engine: Engine) -> list[Shot]:
    """Every view family, what must be obeyed, no identity words."""
    framings = list(engine.config.views.framings)
    wanted = {
        (view_family, framings[(n + k) % len(framings)]): 1
        for n, view_family in enumerate(engine.config.views.families)
        for k in range(PREVIEWS)
    }
    return engine.planner.probe(wanted)


def _job(engine: Engine, number: int, wave: int, shot: Shot) -> Job:
    wording, seed = engine.wording, random_seed_of(engine.config.random_seed, "preview", shot.key)
    named = named_traits(engine, number, "character")
    return Job(
        id=f"preview-r{number:02d}-{seed:x}" if wave == 1 else f"preview-r{number:02d}w{wave}-{seed:x}",
        kind=JobKind.PROBE,
        round=number,
        wave=wave,
        shot=shot,
        prompt=wording.prompt(shot, {axis: tag for axis, tag in wording.traits(shot).items() if tag in named}),
        negative=wording.negative(engine.config.base.negative),
        random_seed=seed,
        traits={},
    )
