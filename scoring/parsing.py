"""How plain data becomes the settings of the kind of scorer that it names. Loads no model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from scoring.scorers import SCORERS
from scoring.settings import ScorerSettings, is_none

__all__ = ["AnyScorer", "settings_of"]

OTHERWISE = "otherwise"


def settings_of(given: Any) -> ScorerSettings:
    """Plain data as the settings of its kind. Raises ValidationError with every problem, its path and a suggestion."""
    if isinstance(given, ScorerSettings):
        return given
    if not isinstance(given, Mapping):
        raise _one_problem("write named parts, { kind: ..., ... }", given)
    kind = str(given.get("kind", ""))
    if kind not in SCORERS:
        raise _one_problem(_no_kind(kind, list(SCORERS)), {})
    kind_settings, plain = SCORERS[kind].Settings, dict(given)
    problems: list[InitErrorDetails] = []
    try:
        plain[OTHERWISE] = None if is_none(given.get(OTHERWISE)) else settings_of(given[OTHERWISE])
    except ValidationError as error:
        plain[OTHERWISE] = None
        problems += [_again(item, (OTHERWISE, *item["loc"])) for item in error.errors()]
    try:
        found = kind_settings.model_validate(plain)
    except ValidationError as error:
        problems += [_explained(kind_settings, item) for item in error.errors()]
    if problems:
        raise ValidationError.from_exception_data(kind_settings.__name__, problems)
    return found


AnyScorer = Annotated[SerializeAsAny[ScorerSettings], BeforeValidator(settings_of)]
"""The settings of a scorer of any kind."""


def _one_problem(message: str, given: Any) -> ValidationError:
    problem = PydanticCustomError("scorer", "{message}", {"message": message})
    details = InitErrorDetails(type=problem, loc=(), input=given)
    return ValidationError.from_exception_data("ScorerSettings", [details])


def _no_kind(kind: str, kinds: Sequence[str]) -> str:
    close = difflib.get_close_matches(kind, kinds, 1)
    hint = f"did you mean '{close[0]}'?" if close else f"choose one of {', '.join(kinds)}"
    return f"no kind of scorer '{kind}'; {hint}" if kind else f"name its kind; {hint}"


def _explained(settings: type[ScorerSettings], item: Any) -> InitErrorDetails:
    """A problem as pydantic takes it again, with a suggestion for a misspelt setting."""
    if item["type"] != "extra_forbidden":
        return _again(item, item["loc"])
    close = difflib.get_close_matches(str(item["loc"][-1]), list(settings.model_fields), 1)
    hint = f" (did you mean '{close[0]}'?)" if close else f" (there are {', '.join(settings.model_fields)})"
    unknown = PydanticCustomError("unknown_setting", "unknown field{hint}", {"hint": hint})
    return InitErrorDetails(type=unknown, loc=item["loc"], input={})


def _again(item: Any, loc: tuple[str | int, ...]) -> InitErrorDetails:
    """A reported problem in the form in which it is raised once more."""
    kind = item["type"]
    if kind in ("scorer", "unknown_setting"):
        kind = PydanticCustomError(kind, item["msg"])
    return InitErrorDetails(type=kind, loc=loc, input=item["input"], ctx=item.get("ctx", {}))
