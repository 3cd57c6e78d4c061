"""The references that a training beside references shows with each picture: those that its view is drawn from.

All with one strength, the setting's own: what shows references stays attached for the whole training. Knows no trainer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bootstrap.records import TrainItem
from bootstrap.training.recipe import TrainRecipe
from loops.engine import Engine
from loops.shown_of_run import shown_of

__all__ = ["beside_references"]


def beside_references(engine: Engine, items: Sequence[TrainItem], recipe: TrainRecipe) -> list[TrainItem]:
    """The items, with references where the recipe trains beside them and the base draws from some."""
    settings = engine.config.base.reference
    if not recipe.beside_references or settings is None:
        return list(items)
    shown = shown_of(engine, settings, engine.seeds, ())
    return [replace(item, beside=shown.nearest(_view_family(engine, item))) for item in items]


def _view_family(engine: Engine, item: TrainItem) -> str:
    """The view family that a picture shows, "" where that is not known."""
    if item.seed is not None:
        return engine.seeds[item.seed].view_family
    return item.job.shot.view_family if item.job else ""
