"""Validation in plain words: every problem at once, each with its path, and a suggestion for a misspelt key."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

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
    *above, wrong = path
    close = difflib.get_close_matches(wrong, _part_at(model, above).model_fields, 1)
    close = close or difflib.get_close_matches(wrong, _field_names(model), 1)
    suggestion = f" (did you mean {close[0]!r}?)" if close else ""
    return f"{'.'.join(path)}: unknown field{suggestion}"


def _part_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    """The config that holds the field at a path; indices and names of a mapping lead nowhere else."""
    for key in path:
        field = model.model_fields.get(key)
        inner = _models_in(field.annotation) if field else []
        model = inner[0] if inner else model
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The configs that a type is made of: ``Mapping[str, Outfit]`` gives Outfit."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found = []
    for part in get_args(annotation):
        found += _models_in(part)
    return found


def _field_names(model: type[BaseModel]) -> list[str]:
    """The names of the fields of a config and of every config inside it."""
    names: dict[str, None] = {}
    models = [model]
    for one in models:  # grows while it is read; a config may hold others of its own kind
        names.update(dict.fromkeys(one.model_fields))
        for field in one.model_fields.values():
            models += [part for part in _models_in(field.annotation) if part not in models]
    return list(names)
