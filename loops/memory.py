"""Drawing and training in the memory that there is: where it runs out, half as much at once, from then on.

What was found out is a row, so a run that is continued draws in the same batches. Knows no device: a backend says that
memory ran out, and is simply asked for less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from bootstrap.backends.base import Trained
from bootstrap.errors import OutOfMemoryError
from bootstrap.events import Emit, Incident
from bootstrap.records import Job, TrainItem
from bootstrap.training.recipe import TrainRecipe
from loops.engine import Engine

__all__ = ["drawn_within_memory", "lean", "trained_within_memory"]

DRAWING, TRAINING, TWICE = "pictures at once", "training pictures at once", "gradient_checkpointing"
MEMORY = "memory"


def drawn_within_memory(
    engine: Engine, jobs: Sequence[Job], adapter: Path | None
) -> Iterator[list[tuple[Job, Image.Image]]]:
    """The pictures of ``jobs`` in batches, as a backend draws them; smaller ones once memory ran out.

    Raises BackendError when even one picture is too much.
    """
    done = 0
    while done < len(jobs):
        size = _at_once(engine, DRAWING, engine.drawer.batch_size)
        try:
            for batch in _batches(engine, jobs[done:], size, adapter):
                done += len(batch)
                yield batch
        except OutOfMemoryError:
            if size == 1:
                raise
        else:
            return
        _halve(engine, DRAWING, size, "drawing")  # outside the handler: what the failure held is free again


def trained_within_memory(
    engine: Engine, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit
) -> Trained:
    """A training by the recipe; where memory runs out with smaller batches, gathered to the same step.

    Raises BackendError when one picture, its activations computed twice, is too much.
    """
    while True:
        smaller = lean(engine, recipe)
        try:
            return engine.trainer.train(items, smaller, workdir, emit)
        except OutOfMemoryError:
            if smaller.batch_size == 1 and smaller.gradient_checkpointing:
                raise
        if smaller.batch_size > 1:
            _halve(engine, TRAINING, smaller.batch_size, "training")
        else:
            said = "memory ran out training on one picture at once; from now on with gradient_checkpointing"
            engine.store.decide(TWICE, "on", Incident(MEMORY, said))


def lean(engine: Engine, recipe: TrainRecipe) -> TrainRecipe:
    """The recipe in the memory that there is: the same pictures a step, fewer at once."""
    size = _at_once(engine, TRAINING, recipe.batch_size)
    passes = recipe.gradient_accumulation_steps * math.ceil(recipe.batch_size / size)
    twice = recipe.gradient_checkpointing or engine.store.decision(TWICE) is not None
    changed = {"batch_size": size, "gradient_accumulation_steps": passes, "gradient_checkpointing": twice}
    return recipe.model_copy(update=changed)


def _batches(
    engine: Engine, jobs: Sequence[Job], size: int, adapter: Path | None
) -> Iterator[list[tuple[Job, Image.Image]]]:
    if size >= engine.drawer.batch_size:
        yield from engine.drawer.draw(jobs, adapter)
        return
    for start in range(0, len(jobs), size):
        yield from engine.drawer.draw(jobs[start : start + size], adapter)


def _at_once(engine: Engine, what: str, most: int) -> int:
    """The smallest number that was decided on, or ``most``."""
    found = [int(one.value) for one in engine.store.decisions() if one.name.startswith(f"{what}, not ")]
    return min([most, *found])


def _halve(engine: Engine, what: str, size: int, doing: str) -> None:
    half = size // 2
    said = f"memory ran out {doing} {size} pictures at once; from now on {half}"
    engine.store.decide(f"{what}, not {size}", str(half), Incident(MEMORY, said))
