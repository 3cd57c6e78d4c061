"""Training: the adapter of a round, always from the base, never from an earlier adapter.

What it is trained on is `loops.training_set`'s. Knows no model.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from bootstrap.backends.base import Trained
from bootstrap.errors import BackendError
from bootstrap.events import AdapterTrained, Emit, Event, Progress
from bootstrap.records import Adapter, Phase, Round, TrainItem
from bootstrap.store.files import make_folder, sha256_of
from loops.archive import Archive
from loops.beside import beside_references
from loops.engine import Engine
from loops.training_set import recipe_for
from loops.within_memory import trained_within_memory

__all__ = ["adapter_of_round", "train", "train_finished"]


def adapter_of_round(
    engine: Engine, archive: Archive, number: int, phase: Phase, drawn_by: Round | None
) -> Adapter | None:
    """The adapter that draws a round, trained if need be on the archive as it stood when the round began.

    None while nothing is kept and the seeds may not be trained on: then the base draws. After a drift it is that of the
    earlier round ``drawn_by``.
    """
    if drawn_by is not None:
        earlier = f"the LoRA of round {drawn_by.number} draws what is missing"
        engine.note(f"round {number}: training on more led to drift; {earlier}")
        return engine.adapter(drawn_by.adapter)
    if not engine.config.trains_to_draw:
        return None
    if not engine.training_sets.possible(archive, number, phase):
        engine.note(f'round {number}: "seeds_train" leaves nothing to train on yet; the base draws from words alone')
        return None
    name = Adapter.round_id(1 if _same_set(engine, phase) else number, phase)
    if existing := engine.adapter(name):
        return existing
    items = engine.training_sets.items(archive, number, phase)
    (adapter,), event = train(engine, items, number, phase, name)
    engine.store.add_adapter(adapter, event.seconds, event)
    return adapter


def _same_set(engine: Engine, phase: Phase) -> bool:
    """Whether the LoRA of the first round draws all: one beside references, which learns from the seeds alone.

    Drawn pictures would teach it what was drawn wrongly (LOG "A LoRA beside the reference").
    """
    return engine.config.trains_beside and engine.character.trains_seeds(phase)


def train(
    engine: Engine,
    items: Sequence[TrainItem],
    number: int,
    phase: Phase,
    name: str,
    candidates: int = 1,
    early: int = 0,
) -> tuple[list[Adapter], AdapterTrained]:
    """Train on ``items``: the weights that may be chosen from, by their steps, the finished ones last; and the event.

    Nothing is registered yet. Raises BackendError when there is nothing to train on.
    """
    if not items:
        raise BackendError(
            f'nothing was kept, and "seeds_train": "{engine.character.seeds_train}" keeps the seeds out',
            'begin a run with more rounds or candidates, or with "seeds_train": "always"',
        )
    _require_whole(engine, items)
    began = time.monotonic()
    recipe = recipe_for(engine.config, phase, number, len(items)).model_copy(update={"candidates": candidates})
    recipe = recipe.with_early(len(items), early)
    workdir = engine.store.directory / "adapters" / name
    make_folder(workdir)
    items = beside_references(engine, items, recipe)
    last = trained_within_memory(engine.store, engine.trainer, items, recipe, workdir, _emitting(engine))
    seconds = time.monotonic() - began
    adapters = []
    for earlier in last.earlier:
        adapters.append(_adapter(engine, earlier, Adapter.step_id(name, earlier.steps), phase, number))
    adapters.append(_adapter(engine, last, name, phase, number))
    return adapters, AdapterTrained(number, name, last.steps, len(items), last.final_loss, round(seconds, 1))


def train_finished(
    engine: Engine, items: Sequence[TrainItem], number: int, phase: Phase
) -> tuple[list[Adapter], AdapterTrained]:
    """The weights to choose the finished LoRA from: of ``items``, by their steps, and where asked of the seeds alone.

    Those of the seeds come first. The event counts the seconds of both trainings. Raises BackendError as `train`.
    """
    loop, name = engine.config.loop, Adapter.final_id(number)
    adapters, event = train(engine, items, number, phase, name, loop.final_candidates, loop.early_checkpoints)
    seeds = [item.weighing(1.0) for item in items if item.kind == "seed"]
    if loop.seeds_alone and seeds and len(seeds) < len(items):
        alone, further = train(engine, seeds, number, phase, Adapter.seeds_id(number))
        return [*alone, *adapters], replace(event, seconds=round(event.seconds + further.seconds, 1))
    return adapters, event


def _require_whole(engine: Engine, items: Sequence[TrainItem]) -> None:
    """Raise StoreError where the picture of a frame is not the one that was measured."""
    paths = {item.path for item in items if item.seed is None}
    for frame in engine.store.frames():
        if str(engine.store.directory / frame.path) in paths:
            engine.store.frame_image(frame)


def _adapter(engine: Engine, trained: Trained, id: str, phase: Phase, number: int) -> Adapter:
    path = trained.path.resolve().relative_to(engine.store.directory.resolve()).as_posix()
    return Adapter(id, phase, number, path, sha256_of(trained.path), trained.steps, trained.final_loss)


def _emitting(engine: Engine) -> Emit:
    """The trainer's events go through the engine: its progress is a safe point."""

    def emit(event: Event) -> None:
        if isinstance(event, Progress):
            engine.progress(event.stage, event.done, event.total, event.detail)
        else:
            engine.emit(event)

    return emit
