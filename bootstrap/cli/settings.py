"""``bootstrap settings``: every setting of a run with its type, default and meaning, read off the models themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import typer
from pydantic import BaseModel
from rich.padding import Padding
from rich.text import Text

from bootstrap.config import RunConfig
from bootstrap.config.every_setting import Setting, every_setting, limits_of_setting, type_in_words
from bootstrap.config.kind_files import CHARACTER
from bootstrap.config.origins import Value, values_of_base, values_of_kind
from bootstrap.config.profiles import NONE
from bootstrap.config.reading import SECTIONS
from bootstrap.config.shipped_files import read_section
from bootstrap.errors import ConfigError, UsageError
from bootstrap.machine.plain_console import PlainConsole
from bootstrap.store.near_files import near_names

__all__ = ["settings_command"]

TWICE = "second"
"""The second drawer has the settings of the first."""
SHARED = {"loop": "standard", "views": "standard", "subject": CHARACTER}
"""Sections that have the same file whatever the base is."""
MISSING = object()


@dataclass(frozen=True, slots=True)
class _Row:
    """What is shown of a setting: its path, what stands behind it, and the sentences below it."""

    name: str
    facts: str
    sentences: tuple[str, ...]
    plain: Mapping[str, Any]


def settings_command(part: str, base: str | None, profile: str | None, kind: str | None, *, as_json: bool) -> None:
    """Print the settings with ``part`` in their names; with a base its values, and where each comes from.

    With a ``kind`` of subject and no base: what its file sets.

    Raises ConfigError where none has it.
    """
    if profile and not base:
        raise UsageError(f'--profile "{profile}" changes settings of a base', "name one with --base")
    if base:
        rows = list(_values(values_of_base(base, profile or NONE, kind or CHARACTER)))
    else:
        rows = list(_values(values_of_kind(kind)) if kind else _rows(_by_name()))
    found = [row for row in rows if part.lower() in row.name.lower()]
    if not found:
        parts = {one for row in rows for one in (row.name, *row.name.split("."))}
        close = near_names(part, parts)
        hint = f"did you mean {' or '.join(close)}?" if close else "bootstrap settings shows all of them"
        raise ConfigError(f'no setting has "{part}" in its name', hint)
    if as_json:
        typer.echo(json.dumps([row.plain for row in found], indent=2, ensure_ascii=False))
        return
    _print(found)


def _by_name() -> dict[str, list[Setting]]:
    """Dotted path → the settings that stand there: several where there are several kinds of a part."""
    found: dict[str, list[Setting]] = {}
    for setting in every_setting(RunConfig):
        if setting.path[0] != TWICE or len(setting.path) == 1:
            found.setdefault(setting.name, []).append(setting)
    return found


def _rows(settings: Mapping[str, list[Setting]]) -> Iterator[_Row]:
    """A row for each setting, for each kind that has another type or default one of its own."""
    for name, several in settings.items():
        kinds: dict[tuple[str, str, str], list[str]] = {}
        for setting in several:
            told = (_type(setting), _default(setting), _meaning(setting))
            kinds.setdefault(told, []).append(_kind(setting))
        for (kind, default, meaning), of in kinds.items():
            facts = f"{kind}; {default}" if default else kind
            if of != [""]:
                facts += f"; of {', '.join(dict.fromkeys(of))}"
            plain = {"name": name, "type": kind, "default": default, "meaning": meaning, "of": [*filter(None, of)]}
            yield _Row(name, facts, (meaning,), plain)


def _values(values: Iterable[Value]) -> Iterator[_Row]:
    """A row for each value of a configuration."""
    for one in values:
        name, setting, value = one.setting.name, one.setting, _written(one.value)
        plain = {"name": name, "value": value, "from": one.origin, "why": one.why, "meaning": _meaning(setting)}
        sentences = (_meaning(setting), f"Why: {one.why}") if one.why else (_meaning(setting),)
        yield _Row(f"{name} = {value}", one.origin, sentences, {**plain, "type": _type(setting)})


def _type(setting: Setting) -> str:
    """The type, with the limits of its values."""
    kind, limits = type_in_words(setting.field.annotation), limits_of_setting(setting.field)
    return f"{kind}, {limits}" if limits else kind


def _default(setting: Setting) -> str:
    """What holds unless something is set, as a YAML file has it; "" where that depends on the base."""
    value: Any = {section: read_section(SECTIONS[section], name) for section, name in SHARED.items()}
    for key in setting.path:
        value = value.get(key, MISSING) if isinstance(value, Mapping) else MISSING
    if value is MISSING or setting.is_section:
        if setting.field.is_required():
            return ""
        value = setting.field.get_default(call_default_factory=True)
    return "" if isinstance(value, BaseModel) else f"default {_written(value)}"


def _written(value: Any) -> str:
    """A value as ``--set`` takes it."""
    if isinstance(value, str) and value:
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _meaning(setting: Setting) -> str:
    """The text below the field, else that of the class which it was inherited from, else what the section is for."""
    name, texts = setting.path[-1], [setting.field.description]
    for holder in setting.holder.__mro__:
        if issubclass(holder, BaseModel) and name in holder.model_fields:
            texts.append(holder.model_fields[name].description)
    if isinstance(setting.field.annotation, type):
        texts.append(setting.field.annotation.__doc__)
    found = next(filter(None, texts), "")
    return " ".join(found.replace("``", "").split())


def _kind(setting: Setting) -> str:
    """The kind of part that has this setting, where there are several."""
    kind = setting.holder.model_fields.get("kind")
    return str(kind.default) if kind and not kind.is_required() else ""


def _print(rows: Iterable[_Row]) -> None:
    """Wrapped on a terminal, a line for each sentence elsewhere."""
    out = PlainConsole()
    for row in rows:
        head = Text.assemble((row.name, "bold"), f"  ({row.facts})")
        out.print(head, soft_wrap=not out.is_terminal)
        for sentence in filter(None, row.sentences):
            if out.is_terminal:
                out.print(Padding(Text(sentence), (0, 0, 0, 4)))
            else:
                out.print(Text(f"    {sentence}"), soft_wrap=True)
