"""Validation in plain words: every problem at once, each with its path, and a suggestion for a misspelt key."""

from __future__ import annotations

import difflib
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bootstrap.config.every_setting import every_setting, parts_of
from bootstrap.errors import BootstrapError

__all__ = ["checked", "validated"]

Model = TypeVar("Model", bound=BaseModel)
WORDED = {
    "string_too_short": "must not be empty",
    "string_unicode": "holds half of a character: write it again",
    "too_short": "must not be empty",
    **dict.fromkeys(("tuple_type", "list_type"), "write a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "write named parts, { ... }"),
}
"""Kind of a validation error → what to do, where the library names its own types."""
LONGEST_VALUE = 60
MOST_MEANT = 3
"""Settings of the same name that are proposed; of more none is."""


def validated(model: type[Model], data: Mapping[str, Any], where: str, error: Callable[[str], BootstrapError]) -> Model:
    """``data`` as ``model``; raises ``error`` with all problems in one message, which begins with ``where``."""
    found, problems = checked(model, data)
    if found is None:
        raise error(f"{where}: {'; '.join(problems)}")
    return found


def checked(model: type[Model], data: Mapping[str, Any]) -> tuple[Model | None, list[str]]:
    """``data`` as ``model``, or None and a sentence for each problem, which begins with the path of its field."""
    try:
        return model.model_validate(data), []
    except ValidationError as failure:
        return None, [_problem(model, item) for item in failure.errors()]


def _problem(model: type[BaseModel], item: Any) -> str:
    """One error of the library as a person reads it."""
    if item["type"] == "extra_forbidden":
        return _unknown_field(model, [str(part) for part in item["loc"]])
    message = WORDED.get(item["type"]) or item["msg"].removeprefix("Value error, ")
    if not item["loc"] and item["type"] == "value_error":
        return str(message)  # it names its own path
    path, value = ".".join(str(part) for part in item["loc"]) or "top level", ""
    if item["type"] != "missing" and not isinstance(item.get("input"), dict | BaseModel):
        value = f' "{str(item.get("input"))[:LONGEST_VALUE]}"'
    return f"{path}{value}: {message[0].lower()}{message[1:]}"


def _unknown_field(model: type[BaseModel], path: Sequence[str]) -> str:
    """An unknown field, and which is meant: of the same name elsewhere, by its path; of a like name here; elsewhere."""
    *above, wrong = path
    elsewhere = _paths_by_name(model)
    meant = _nearest(elsewhere.get(wrong, ()), above)
    if not meant:
        names = [name for name in _part_at(model, above).model_fields if name != wrong]
        meant = difflib.get_close_matches(wrong, names, 1)
    if not meant:
        close = difflib.get_close_matches(wrong, list(elsewhere), 1)
        meant = [found for name in close for found in _nearest(elsewhere[name], above)]
    told = " or ".join(f"{name!r} at the top level" if name == wrong else repr(name) for name in meant)
    suggestion = f" (did you mean {told}?)" if told else ""
    return f"{'.'.join(path)}: unknown field{suggestion}"


@functools.cache
def _paths_by_name(model: type[BaseModel]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Every name of a setting → the paths of the settings that are called so."""
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for setting in every_setting(model):
        found[setting.path[-1]] = (*found.get(setting.path[-1], ()), setting.path)
    return found


def _nearest(found: Sequence[tuple[str, ...]], above: Sequence[str]) -> list[str]:
    """Of settings of one name those that share most of a path, dotted; none where there are many."""
    shared: dict[str, int] = {}
    for path in found:
        if path[:-1] == tuple(above):
            continue  # a kind beside this one has it
        same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(path, above, strict=False))
        shared[".".join(path)] = len(list(same))
    nearest = [name for name, length in shared.items() if length == max(shared.values())]
    return nearest if len(nearest) <= MOST_MEANT else []


def _part_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    """The config that holds the field at a path; indices and names of a mapping lead nowhere else.

    Where there are several kinds, the library has the kind's name in the path.
    """
    kinds: list[type[BaseModel]] = []
    for key in path:
        kinds = [one for one in kinds if one.model_fields["kind"].default == key]
        field = model.model_fields.get(key)
        inner = parts_of(field.annotation) if field else []
        if kinds:
            model = kinds[0]
        elif inner:
            model = inner[0][1]
        kinds = [part for _, part in inner if "kind" in part.model_fields]
    return model
