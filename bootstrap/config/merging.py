"""Plain settings over plain settings: an own file over shipped ones, a profile over a preset, one value by its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bootstrap.config.plain_yaml import PlainYamlError, read_plain
from bootstrap.errors import ConfigError

__all__ = ["merged", "override"]

QUOTES = "put texts with signs into quotes"
LONGEST_VALUE = 60
"""Characters of a value that a message shows."""


def merged(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Settings over settings, mapping by mapping; anything else is replaced whole."""
    result = {**shipped, **own}
    for key, value in own.items():
        if isinstance(value, Mapping) and isinstance(shipped.get(key), Mapping):
            result[key] = merged(shipped[key], value)
    return result


def override(data: dict[str, Any], text: str) -> None:
    """Set the value of ``a.b=c`` in plain settings. Raises ConfigError for what is not of that form."""
    path, separator, value = text.partition("=")
    *above, last = path.strip().split(".")
    if not separator or not last or not all(above):
        raise ConfigError(f'--set "{text}" is not of the form a.b=c', "for example --set loop.target=24")
    for key in above:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise ConfigError(f'--set "{text}": "{key}" has no parts', "see configs/ for the names")
    try:
        data[last] = read_plain(value) if value.strip() else ""
    except PlainYamlError as error:
        shown = value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]} …"
        raise ConfigError(f'--set "{path}": "{shown}" is no YAML value ({error})', QUOTES) from None
    if value.count("#") > repr(data[last]).count("#"):
        raise ConfigError(f'--set "{text}": what follows "#" would be a comment', QUOTES)
