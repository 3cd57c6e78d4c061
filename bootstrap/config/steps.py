"""How long a training takes: optimiser steps from the number of pictures. The one place that knows this rule."""

from __future__ import annotations

from bootstrap.config.run_settings import BaseConfig

__all__ = ["steps_for"]


def steps_for(base: BaseConfig, phase: str, pictures: int) -> int:
    """Optimiser steps of a training in a phase on so many pictures.

    A recipe with ``epochs`` takes so many passes over the pictures; any other grows with them, from ``minimum_steps``
    on. The recipe's ``steps`` is the cap of both.
    """
    recipe = base.recipes[phase]
    wanted = recipe.epoch_steps(pictures)
    if not wanted:
        wanted = max(base.minimum_steps, round(base.steps_per_picture * pictures))
    return min(recipe.steps, wanted)
