"""Drawing and training in the available memory: where it runs out, half as many pictures at once, from then on.

Where one picture is too much, the VAE works in tiles. What was found is a row, so a run that is continued works so too.
Knows no device: a drawer or a trainer raises OutOfMemoryError, and is simply given less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from bootstrap.backends.base import Drawer, Trained, Trainer
from bootstrap.errors import OutOfMemoryError
from bootstrap.events import Emit, Incident
from bootstrap.records import Job, TrainItem
from bootstrap.store.decisions import BatchLimit, GradientCheckpointing, VaeTiles
from bootstrap.store.store import Store
from bootstrap.training.recipe import TrainRecipe

__all__ = ["drawn_within_memory", "recipe_within_memory", "trained_within_memory"]

DRAWING, TRAINING = "drawing", "training"
MEMORY = "memory"


def drawn_within_memory(
    store: Store, drawer: Drawer, jobs: Sequence[Job], adapter: Path | None
) -> Iterator[list[tuple[Job, Image.Image]]]:
    """The pictures of ``jobs`` in batches, as a drawer yields them; smaller ones once memory ran out.

    Raises BackendError when even one picture in tiles is too much.
    """
    done = 0
    _tile_again(store, drawer)
    while done < len(jobs):
        size = _at_once(store, DRAWING, drawer.batch_size)
        try:
            for batch in _batches(drawer, jobs[done:], size, adapter):
                done += len(batch)
                yield batch
        except OutOfMemoryError:
            if size == 1 and not drawer.use_tiles():
                raise
        else:
            return
        # outside the handler: what the failure held is free again
        if size > 1:
            _halve(store, DRAWING, size)
        else:
            _tile(store, DRAWING)


def trained_within_memory(
    store: Store, trainer: Trainer, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit
) -> Trained:
    """A training by the recipe; where memory runs out with smaller batches, accumulated to the same step.

    Raises BackendError when one picture, in tiles and its activations computed twice, is too much.
    """
    _tile_again(store, trainer)
    while True:
        smaller = recipe_within_memory(store, recipe)
        try:
            return trainer.train(items, smaller, workdir, emit)
        except OutOfMemoryError:
            if smaller.batch_size == 1 and smaller.gradient_checkpointing and not trainer.use_tiles():
                raise
        if smaller.batch_size > 1:
            _halve(store, TRAINING, smaller.batch_size)
        elif smaller.gradient_checkpointing:
            _tile(store, TRAINING)
        else:
            message = "memory ran out training on one picture at once; from now on with gradient_checkpointing"
            store.decide(GradientCheckpointing(), Incident(MEMORY, message))


def recipe_within_memory(store: Store, recipe: TrainRecipe) -> TrainRecipe:
    """The recipe in the available memory: as many pictures a step, fewer at once."""
    size = _at_once(store, TRAINING, recipe.batch_size)
    passes = recipe.gradient_accumulation_steps * math.ceil(recipe.batch_size / size)
    checkpointing = recipe.gradient_checkpointing or store.decided(GradientCheckpointing) is not None
    changed = {"batch_size": size, "gradient_accumulation_steps": passes, "gradient_checkpointing": checkpointing}
    return recipe.model_copy(update=changed)


def _batches(
    drawer: Drawer, jobs: Sequence[Job], size: int, adapter: Path | None
) -> Iterator[list[tuple[Job, Image.Image]]]:
    if size >= drawer.batch_size:
        yield from drawer.draw(jobs, adapter)
        return
    for start in range(0, len(jobs), size):
        yield from drawer.draw(jobs[start : start + size], adapter)


def _at_once(store: Store, work: str, most: int) -> int:
    """The smallest limit that was found for that work, or ``most``."""
    sizes = [limit.size for limit in store.decisions(BatchLimit) if limit.work == work]
    return min([most, *sizes])


def _halve(store: Store, work: str, size: int) -> None:
    half = size // 2
    message = f"memory ran out {work} {size} pictures at once; from now on {half}"
    store.decide(BatchLimit(work, size, half), Incident(MEMORY, message))


def _tile_again(store: Store, worker: Drawer | Trainer) -> None:
    if store.decided(VaeTiles) is not None:
        worker.use_tiles()


def _tile(store: Store, work: str) -> None:
    message = f"memory ran out {work} one picture at once; from now on the VAE works in tiles"
    store.decide(VaeTiles(), Incident(MEMORY, message))
