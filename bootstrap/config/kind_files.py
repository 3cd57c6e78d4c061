"""A kind of subject as a file: the subject itself, and what it changes of the base, the panel, the loop and the views.

The shipped kinds lie in configs/subjects/; an own YAML file is one as well. What a kind changes stands between the base
and what a person sets: base, then kind, then machine and recipe, then ``--set``. Knows no character.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from bootstrap.config.frozen import Frozen
from bootstrap.config.merging import merged
from bootstrap.config.problems import checked
from bootstrap.config.recipes import phases_like_others
from bootstrap.config.run_settings import BaseConfig
from bootstrap.config.shipped_files import ENDINGS, read_section

__all__ = ["CHARACTER", "Kind", "KindChanges", "kind_named", "path_of_kind"]

CHARACTER = "character"
"""The kind where nobody names one."""
FOLDER = "subjects"
NAMING_FAMILIES = ("qualified", "families", "views")
"""Settings of scorers that name view families."""
OF_VIEWS = ("composition", "view_phrases")
"""Settings of a panel that have the framings and the view families of the views: a kind replaces them whole."""


class KindChanges(Frozen):
    """What the file of a kind holds besides its `bootstrap.config.subject.SubjectConfig`."""

    about: str = ""
    """What is drawn, in a few words: ``init`` and ``check`` say so."""
    views: str | Mapping[str, Any] = ""
    """The views file where character.json names none: one of configs/views/, one beside the kind, or its content."""
    panel: Mapping[str, Any] = Field(default_factory=dict)
    """Settings over those of the base's panel. A scorer that is null does not speak; one without ``kind`` is changed
    where the panel has it; one with ``kind`` is added, or takes the place of one of that name."""
    loop: Mapping[str, Any] = Field(default_factory=dict)
    """Settings over those of the standard loop; a loop that a person names comes over them."""
    base: Mapping[str, Any] = Field(default_factory=dict)
    """Settings over those of the base."""
    longer: float = Field(1.0, gt=0, le=10)
    """How many times as long as a character's its trainings take: of optimiser steps, and of epochs where a recipe
    counts those."""
    unwritten: Mapping[str, Any] = Field(default_factory=dict)
    """Field of character.json → what it holds where nobody wrote it."""


@dataclass(frozen=True)
class Kind:
    """A kind of subject: plain settings of its subject, what else it changes, and what is wrong with the latter."""

    subject: dict[str, Any]
    changes: KindChanges
    problems: tuple[str, ...] = ()
    folder: Path = Path()

    @property
    def views(self) -> str | Mapping[str, Any]:
        """The views of the kind: a name or path, or settings; "" where it has none of its own."""
        named = self.changes.views
        if isinstance(named, str) and named.endswith(ENDINGS) and (self.folder / named).is_file():
            return str(self.folder / named)
        return named

    def over(self, data: Mapping[str, Any], *, named_loop: bool) -> dict[str, Any]:
        """The plain sections of a run with what the kind changes; ``named_loop``: a person chose the loop."""
        changes = self.changes
        loop = merged(changes.loop, data["loop"]) if named_loop else merged(data["loop"], changes.loop)
        base = merged(_lengthened(data["base"], changes.longer), changes.base)
        return {**data, "base": self._with_recipes(base), "loop": loop, "panel": _panel(data["panel"], changes.panel)}

    def _with_recipes(self, base: dict[str, Any]) -> dict[str, Any]:
        """The base with a recipe for each phase that says whose it is like."""
        recipes = dict(base.get("recipes", {}))
        for phase, like in phases_like_others(self.subject):
            if like in recipes:
                recipes[phase] = merged(recipes[like], recipes.get(phase, {}))
        return {**base, "recipes": recipes}


def kind_named(name: str) -> Kind:
    """A kind: the name of a shipped file, or the path of an own YAML file. Raises ConfigError where there is none."""
    given = read_section(FOLDER, name)
    own = {key: given.pop(key) for key in KindChanges.model_fields if key in given}
    _, problems = checked(KindChanges, own)
    sound = {key: value for key, value in own.items() if checked(KindChanges, {key: value})[0]}
    folder = Path(name).expanduser().parent if name.endswith(ENDINGS) else Path()
    return Kind(given, KindChanges(**sound), tuple(f"kind {name}: {one}" for one in problems), folder)


def path_of_kind(name: str, folder: Path) -> str:
    """A kind as a file names it: the whole path of an own one that lies beside the file, anything else as it is."""
    beside = folder / Path(name).expanduser()
    if name.endswith(ENDINGS) and beside.is_file():
        return str(beside.absolute())
    return name


def _lengthened(base: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """A base whose trainings take ``factor`` times as long."""
    found, fields = dict(base), BaseConfig.model_fields
    if factor == 1:
        return found
    found["steps_per_picture"] = factor * base.get("steps_per_picture", fields["steps_per_picture"].default)
    found["minimum_steps"] = round(factor * base.get("minimum_steps", fields["minimum_steps"].default))
    found["recipes"] = {}
    for phase, recipe in base.get("recipes", {}).items():
        longer = {key: round(factor * recipe[key]) for key in ("steps", "epochs") if recipe.get(key)}
        found["recipes"][phase] = {**recipe, **longer}
    return found


def _panel(panel: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A panel with what a kind changes: scorers one by one, what belongs to its views whole, anything else merged."""
    rest = {key: value for key, value in changes.items() if key != "scorers"}
    panel = {key: value for key, value in panel.items() if key not in OF_VIEWS or key not in changes}
    own, scorers = changes.get("scorers"), dict(panel.get("scorers", {}))
    if isinstance(phrases := changes.get("view_phrases"), Mapping):
        scorers = {name: _of_families(one, phrases) for name, one in scorers.items()}
    for name, change in own.items() if isinstance(own, Mapping) else ():
        if not isinstance(change, Mapping):
            scorers[name] = change
        elif "kind" in change:
            scorers[name] = dict(change)
        elif isinstance(scorers.get(name), Mapping):
            scorers[name] = merged(scorers[name], change)
    return {**merged(panel, rest), "scorers": scorers}


def _of_families(scorer: Any, families: Container[str]) -> Any:
    """The plain settings of a scorer without what they say of view families that a kind does not have."""
    if not isinstance(scorer, Mapping):
        return scorer
    found = dict(scorer)
    for key in NAMING_FAMILIES:
        named = found.get(key)
        if isinstance(named, Mapping):
            found[key] = {name: part for name, part in named.items() if name in families}
        elif isinstance(named, list):
            found[key] = [name for name in named if name in families]
    if "otherwise" in found:
        found["otherwise"] = _of_families(found["otherwise"], families)
    return found
