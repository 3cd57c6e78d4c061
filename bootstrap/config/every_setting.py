"""Every setting of a config as a dotted path, read off the pydantic models: also those of parts that a run may lack.

``NAME`` stands for a name that a person chooses, ``N`` for a place in a list. Knows no file and no value of a run.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scoring.scorers import SCORERS
from scoring.settings import ScorerSettings

__all__ = ["NAME", "PLACE", "Setting", "every_setting", "limits_of_setting", "parts_of", "type_in_words"]

NAME, PLACE = "NAME", "N"
PLAIN = {bool: "yes or no", int: "whole number", float: "number", str: "text", type(None): "none", Any: "anything"}
PLURAL = {bool: "yes or no", int: "whole numbers", float: "numbers", str: "texts"}
LIMITS = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}", "multiple_of": "a multiple of {}"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its path, its field with default and description, and the config that holds it."""

    path: tuple[str, ...]
    field: FieldInfo
    holder: type[BaseModel]

    @property
    def name(self) -> str:
        """The dotted path, as ``--set`` takes it."""
        return ".".join(self.path)

    @property
    def is_section(self) -> bool:
        """Whether it has settings of its own."""
        return bool(parts_of(self.field.annotation))


def every_setting(
    model: type[BaseModel], above: tuple[str, ...] = (), inside: tuple[type[BaseModel], ...] = ()
) -> Iterator[Setting]:
    """The settings of a config in order, each before its parts; a config within its own kind is not told again."""
    inside = (*inside, *model.__mro__[: model.__mro__.index(BaseModel)])
    for name, field in model.model_fields.items():
        setting = Setting((*above, name), field, model)
        yield setting
        for step, part in parts_of(field.annotation):
            if part not in inside and not issubclass(part, _shared(inside)):
                yield from every_setting(part, (*setting.path, *step), inside)


def _shared(inside: tuple[type[BaseModel], ...]) -> tuple[type[BaseModel], ...]:
    """Scorers within a scorer are of its kind."""
    return (ScorerSettings,) if ScorerSettings in inside else ()


def parts_of(annotation: Any) -> list[tuple[tuple[str, ...], type[BaseModel]]]:
    """The configs that a type is made of, each with its path below the field: ``Mapping[str, Outfit]`` has NAME."""
    if isinstance(annotation, type) and issubclass(annotation, ScorerSettings):
        return [((), scorer.Settings) for scorer in SCORERS.values()]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [((), annotation)]
    origin, inner = get_origin(annotation), list(get_args(annotation))
    step: tuple[str, ...] = ()
    if origin is Annotated:
        inner = inner[:1]
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        step, inner = (NAME,), inner[1:]
    elif origin in (tuple, list):
        step = (PLACE,)
    return [((*step, *below), part) for one in inner for below, part in parts_of(one)]


def type_in_words(annotation: Any) -> str:
    """A type as a person reads it: "whole number", "tags or prose", "list of texts", "number, or none"."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if parts_of(annotation) and origin is None:
        return "section"
    if origin is Annotated:
        return type_in_words(inner[0])
    if origin is Literal:
        return " | ".join(map(str, inner))
    if origin in (Union, types.UnionType):
        told = list(dict.fromkeys(type_in_words(one) for one in inner if one is not type(None)))
        return " or ".join(told) + (", or none" if type(None) in inner else "")
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"{_several(inner[1])} by name"
    if origin in (tuple, list):
        return f"list of {_several(inner[0])}"
    return "text"


def _several(annotation: Any) -> str:
    if annotation in PLURAL:
        return PLURAL[annotation]
    told = type_in_words(annotation)
    return {"section": "sections"}.get(told, told)


def limits_of_setting(field: FieldInfo) -> str:
    """What a value is held to: "1 or more, at most 256"; "" for anything of its type."""
    told = []
    for limit in field.metadata:
        for name, words in LIMITS.items():
            value = getattr(limit, name, None)
            if value is not None:
                told.append(words.format(f"{value:g}"))
    return ", ".join(told)
