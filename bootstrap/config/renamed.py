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
    for old, new in RENAMED.items():
        parts = old.split(".")
        if len(path) >= len(parts) and all(part in (ANY, name) for part, name in zip(parts, path, strict=False)):
            names = iter([name for part, name in zip(parts, path, strict=False) if part == ANY])
            today = ".".join(next(names) if part == ANY else part for part in new.split("."))
            raise ConfigError(f"{'.'.join(path[: len(parts)])} is now {today}", "use the new name")


def _paths(plain: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every setting."""
    for key, value in plain.items():
        yield (*above, str(key))
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, str(key)))


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
