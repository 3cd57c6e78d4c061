"""What a kind of subject makes of a character file: where its own file lies, what is unwritten, what must be there.

The kind is a file of configs/subjects/, or a YAML file of a person's own beside the character file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bootstrap.config import NeedConfig
from bootstrap.config.kind_files import CHARACTER, Kind, kind_named, path_of_kind
from bootstrap.errors import ConfigError

__all__ = ["needs_of", "unmet", "with_kind"]

REQUIRED = {"trigger": NeedConfig(rule="required"), "invariant": NeedConfig(rule="required")}
"""What every kind needs that does not say otherwise."""
EXAMPLES = {
    "trigger": "write a made-up word, for example mikachr",
    "invariant": "write at least one tag, for example hair or eyes",
}
"""Field → what to write into it, where the kind does not say it."""


def with_kind(data: Mapping[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """A character file's content with the whole path of an own kind, and with what that kind has for what is unwritten.

    ``folder`` is where the file lies. A kind that cannot be read changes nothing: it is refused where it is used.
    """
    name = data.get("kind", CHARACTER)
    if not isinstance(name, str):
        return dict(data)
    found = dict(data)
    if folder is not None and "kind" in data:
        found["kind"] = path_of_kind(name, folder)
    kind = _kind(found.get("kind", CHARACTER))
    if kind is None:
        return found
    own_views = {"views": ""} if kind.views else {}  # those of the kind
    return {**kind.changes.unwritten, **own_views, **found}


def needs_of(name: str) -> dict[str, NeedConfig]:
    """Field → whether a kind requires it; what the kind itself gets wrong is refused where it is used."""
    kind, found = _kind(name), dict(REQUIRED)
    stated = kind.subject.get("needs") if kind else None
    for field, need in stated.items() if isinstance(stated, Mapping) else ():
        try:
            found[field] = NeedConfig.model_validate(need)
        except ValidationError:
            continue
    return found


def unmet(content: Mapping[str, Any]) -> list[str]:
    """A sentence for each field of a character file that its kind requires and that is not there, or that it refuses.

    A field of the wrong type is no matter here.
    """
    name = content.get("kind", CHARACTER)
    needs = needs_of(name) if isinstance(name, str) else REQUIRED
    return [text for field, need in needs.items() for text in _unmet(field, need, content, str(name))]


def _unmet(field: str, need: NeedConfig, content: Mapping[str, Any], kind: str) -> Iterator[str]:
    value: Any = content
    for key in field.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    written = bool(value.strip()) if isinstance(value, str) else bool(value)
    if need.rule == "refused" and written:
        yield f"{field}: {need.say or f'the kind {Path(kind).stem} takes none'}"
    if need.rule == "required" and not written:
        missing = "field required" if value is None else "must not be empty"
        shown = f' "{value}"' if isinstance(value, str) else ""
        advice = need.say or EXAMPLES.get(field, "")
        yield f"{field}{shown}: {missing}" + (f": {advice}" if advice else "")


def _kind(name: str) -> Kind | None:
    """The kind of that name; None where it cannot be read."""
    try:
        return kind_named(name)
    except ConfigError:
        return None
