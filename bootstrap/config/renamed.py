"""Settings that earlier versions knew by another name: refused with the new one, or translated in a stored run.

Knows plain settings only, no file and no run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bootstrap.errors import ConfigError

__all__ = ["RENAMED", "refuse_renamed_keys", "refuse_renamed_paths", "translated"]

RENAMED = {
    "seed": "random_seed",
    "loop.gate": "loop.approval",
    "loop.max_false_accepts": "loop.gate_level",
    "loop.style_goals": "loop.goals",
    "base.style": "base.recipes.style",
    "base.character": "base.recipes.character",
    "base.recipes.*.seed": "base.recipes.*.random_seed",
    "subject.defaults.expressions": "subject.axes.expression.defaults",
    "subject.defaults.poses": "subject.axes.pose.defaults",
    "subject.defaults.backgrounds": "subject.axes.background.defaults",
    "subject.defaults.styles": "subject.axes.style.defaults",
}
"""Old dotted path → new one, in the order in which a stored config is translated; "*" stands for any name."""
REPLACED = {
    "loop.drawing_weights": "loop.lora_starts",
    "panel.clip": "panel.models.clip",
    "panel.face.min_size": "panel.scorers.face.min_size",
    "panel.face.max_yaw": "panel.scorers.face.max_yaw",
    "panel.face.families": "panel.scorers.face.families",
    "panel.face": "panel.models.face",
    "panel.tagger.views": "panel.scorers.view.views",
    "panel.tagger.seen": "panel.scorers.view.seen",
    "panel.tagger.unseen": "panel.scorers.view.unseen",
    "panel.tagger.checked": "panel.scorers.traits.axes",
    "panel.tagger.trait_margin": "panel.scorers.traits.margin",
    "panel.tagger.framing_margin": "panel.scorers.framing.margin",
    "panel.tagger.captioned": "panel.scorers.seen AXIS",
    "panel.tagger": "panel.models.tagger",
    "panel.ccip": "panel.scorers.ccip",
    "panel.dino": "panel.scorers.dino",
    "panel.held_out": "panel.scorers.held-out.model",
    "panel.qualified.*": "panel.scorers.*.qualified",
    "panel.qualified": "panel.scorers.SCORER.qualified",
    "panel.identity_crops": "panel.scorers.clip.crops",
    "panel.checked": "panel.scorers.traits.axes",
    "panel.traits_from_head": "panel.scorers.traits.heads",
    "panel.trait_margin": "panel.scorers.traits.margin",
    "panel.view_margin": "panel.scorers.view.margin",
    "panel.copy_cosine": "panel.scorers.copy.most",
    "panel.captioned": "panel.scorers.seen AXIS",
}
"""Old path → where its value stands now, where the form changed too: `bootstrap.config.stored_panel` translates them in
stored configs. Longer paths stand before the shorter ones that they begin with."""
ANY = "*"


def refuse_renamed_keys(own: Mapping[str, Any]) -> None:
    """Raise ConfigError for the first setting of an own file that has another name now."""
    for path in _paths(own):
        _refuse(path)


def refuse_renamed_paths(overrides: Sequence[str]) -> None:
    """Raise ConfigError for the first ``a.b=c`` whose path has another name now."""
    for text in overrides:
        _refuse(tuple(text.partition("=")[0].strip().split(".")))


def translated(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The plain settings of a stored run under the names of today."""
    result: dict[str, Any] = _copied(plain)
    for old, new in RENAMED.items():
        _move(result, old.split("."), new.split("."))
    return result


def _refuse(path: tuple[str, ...]) -> None:
    for old, new in (RENAMED | REPLACED).items():
        parts = old.split(".")
        beginning = path[: len(parts)]
        if len(beginning) < len(parts) or not all(map(_fits, parts, beginning)):
            continue
        for part, name in zip(parts, beginning, strict=True):
            if part == ANY:
                new = new.replace(ANY, name)
        raise ConfigError(f"{'.'.join(beginning)} is now {new}", "use the new name")


def _fits(part: str, name: str) -> bool:
    return part in (ANY, name)


def _paths(plain: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every setting, the deepest first."""
    for key, value in plain.items():
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, str(key)))
        yield (*above, str(key))


def _move(plain: dict[str, Any], old: Sequence[str], new: Sequence[str]) -> None:
    """Move a setting, where it is there, unless the new name is taken."""
    if ANY in old:
        place = old.index(ANY)
        holder = _at(plain, old[:place]) or {}
        for name in list(holder):
            _move(plain, _named(old, name), _named(new, name))
        return
    holder = _at(plain, old[:-1])
    if not isinstance(holder, dict) or old[-1] not in holder:
        return
    target = plain
    for key in new[:-1]:
        target = target.setdefault(key, {})
    target.setdefault(new[-1], holder.pop(old[-1]))


def _named(path: Sequence[str], name: str) -> list[str]:
    return [name if part == ANY else part for part in path]


def _at(plain: Any, path: Sequence[str]) -> Any:
    """What stands at a path; None where there is nothing."""
    for key in path:
        plain = plain.get(key) if isinstance(plain, dict) else None
    return plain


def _copied(value: Any) -> Any:
    """Plain settings whose mappings can be changed."""
    return {key: _copied(part) for key, part in value.items()} if isinstance(value, Mapping) else value
