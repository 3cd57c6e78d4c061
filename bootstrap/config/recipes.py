"""Training recipes by name (configs/recipes/): settings of the finished LoRA's training, as published guides have them.

Knows no training: settings over settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from bootstrap.config.frozen import Frozen
from bootstrap.config.merging import merged
from bootstrap.config.problems import validated
from bootstrap.config.shipped_files import read_section
from bootstrap.errors import ConfigError

__all__ = ["RecipeFile", "phases_like_others", "recipe_named", "with_recipe"]

FOLDER = "recipes"
CHARACTER = "character"


class RecipeFile(Frozen):
    """A file of configs/recipes/."""

    about: str = ""
    """What it is, in a few words."""
    like: str = ""
    """The recipe whose settings hold where this one has none."""
    settings: Mapping[str, Any]
    """Settings of `bootstrap.training.recipe.TrainRecipe`; what is left out is the preset's."""
    others: Mapping[str, Any] = Field(default_factory=dict)
    """Settings that hold for other kinds of subject than a character, over ``settings``."""


def recipe_named(name: str, *, others: bool = False) -> dict[str, Any]:
    """The settings of a recipe: the name of a shipped file, or the path of an own one; ``others``: those for another
    kind of subject than a character. Raises ConfigError."""
    given, settings = name, dict[str, Any]()
    seen: list[str] = []
    while given:
        if given in seen:
            raise ConfigError(f'the recipe "{given}" is like itself', "name another recipe in `like`")
        seen.append(given)
        file = validated(RecipeFile, read_section(FOLDER, given), f"recipe {given}", ConfigError)
        settings, given = {**file.settings, **(file.others if others else {}), **settings}, file.like
    return settings


def phases_like_others(subject: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The phases of a plain subject that begin from the recipe of another one, each with that one's name."""
    phases = subject.get("phases", ())
    for phase in phases if isinstance(phases, list) else ():
        if isinstance(phase, Mapping) and "like" in phase and "name" in phase:
            yield str(phase["name"]), str(phase["like"])


def with_recipe(base: Mapping[str, Any], subject: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The plain settings of a base whose last phase, that of the finished LoRA, takes a recipe; "": as it is."""
    if not name:
        return dict(base)
    phase, others = subject["phases"][-1]["name"], subject.get("called", CHARACTER) != CHARACTER
    return merged(base, {"recipes": {phase: recipe_named(name, others=others)}})
