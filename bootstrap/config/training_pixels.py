"""In how many pixels LoRAs are trained, where a recipe differs from what its base draws."""

from __future__ import annotations

from bootstrap.backends.shapes import Size
from bootstrap.config.run_settings import BaseConfig, RunConfig

__all__ = ["resolution_warnings", "side_of"]


def side_of(base: BaseConfig, drawn: Size | None = None) -> int:
    """The longer side of the largest pictures that a base draws or is trained on, in pixels.

    ``drawn`` is the size of what it draws where that is not the settings' (the fake backend).
    """
    drawn = drawn or (base.sampling.width, base.sampling.height)
    return max(*drawn, *(max(recipe.size_for(drawn)) for recipe in base.recipes.values()))


def resolution_warnings(config: RunConfig) -> list[str]:
    """What to know of a recipe that asks for other pixels than the base draws: a sentence for each phase of one."""
    sampling, notes = config.base.sampling, []
    drawn = sampling.width, sampling.height
    for phase, recipe in config.base.recipes.items():
        if recipe.resolution is None:
            continue
        size, setting = recipe.size_for(drawn), f"base.recipes.{phase}.resolution"
        if size == drawn and recipe.resolution > max(drawn):
            notes.append(
                f'{setting} "{recipe.resolution}" is more than half over the {max(drawn)} pixels that the base draws: '
                f"it is trained at {max(drawn)}"
            )
        elif max(size) > max(drawn):
            notes.append(
                f'{setting} "{recipe.resolution}": what the base draws at {drawn[0]}x{drawn[1]} is enlarged for the '
                f"training; to draw it so large: --set base.sampling.width={size[0]} "
                f"--set base.sampling.height={size[1]}"
            )
    return notes
