"""The learning rate as a function of the step alone: a resumed training has no schedule to restore.

Shapes and names of diffusers' ``get_scheduler``; warm-up multiplies the shape instead of delaying it, and no step is
lost on a rate of zero.
"""

from __future__ import annotations

import math

from bootstrap.training.recipe import TrainRecipe

__all__ = ["learning_rate"]


def learning_rate(recipe: TrainRecipe, step: int, peak: float | None = None) -> float:
    """The rate at a step, 0 for the first; ``peak`` is the recipe's ``learning_rate`` if None."""
    top = recipe.learning_rate if peak is None else peak
    if recipe.lr_scheduler == "constant":
        return top
    warm = min(1.0, (step + 1) / max(1, recipe.lr_warmup_steps))
    if recipe.lr_scheduler == "constant_with_warmup":
        return top * warm
    share = step / max(1, recipe.steps)
    if recipe.lr_scheduler == "linear":
        return top * warm * (1 - share)
    cycle = share if recipe.lr_scheduler == "cosine" else (share * recipe.lr_scheduler_num_cycles) % 1.0
    return top * warm * (0.5 + 0.5 * math.cos(math.pi * cycle))
