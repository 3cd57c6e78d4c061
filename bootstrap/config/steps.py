"""How long a training takes: optimiser steps from the number of pictures. The one place that knows this rule."""

from __future__ import annotations

from bootstrap.config.run_settings import BaseConfig
from bootstrap.training.recipe import TrainRecipe

__all__ = ["recipe_of", "steps_for"]


def steps_for(base: BaseConfig, phase: str, pictures: int) -> int:
    """Optimiser steps of a training in a phase on so many pictures.

    A recipe with ``epochs`` takes so many passes over the pictures; any other grows with them, from ``minimum_steps``
    on, up to the recipe's ``steps``.
    """
    recipe = base.recipes[phase]
    if wanted := recipe.epoch_steps(pictures):
        return wanted
    return min(recipe.steps, max(base.minimum_steps, round(base.steps_per_picture * pictures)))


def recipe_of(base: BaseConfig, phase: str, pictures: int) -> TrainRecipe:
    """The recipe of a phase as a training on so many pictures takes it: its steps, and its warm-up."""
    return base.recipes[phase].lasting(steps_for(base, phase, pictures))
