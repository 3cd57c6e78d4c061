"""Where each value of a base's configuration comes from: a shipped file, a profile, the checkpoint, or the default.

The comment beside a value in its YAML file says why it has been chosen, and is handed over too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from bootstrap.config.every_setting import Setting
from bootstrap.config.kind_files import CHARACTER, kind_named
from bootstrap.config.panel_settings import PanelConfig
from bootstrap.config.profiles import NONE
from bootstrap.config.reading import SECTIONS, identity_of, load
from bootstrap.config.shipped_files import ENDINGS, configs_dir

__all__ = ["DEFAULT", "Value", "values_of_base", "values_of_kind"]

DEFAULT = "default"
SHOWN_ON = "puppet"
"""The base on which the values of a kind of subject are shown where none is named: every machine has it."""
CHANGED = ("base", "loop", "panel", "views")
"""Parts in the file of a kind that are sections of a configuration; the rest is the subject."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its setting, whose path has the names and places of this configuration; where from, and why."""

    setting: Setting
    value: Any
    origin: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Stated:
    """A value as a layer has it, and the comment on it."""

    value: Any
    why: str


@dataclass(frozen=True, slots=True)
class _Layer:
    """What sets values: its name, and by path what it sets."""

    origin: str
    stated: Mapping[tuple[str, ...], _Stated]


def values_of_kind(kind: str) -> list[Value]:
    """The values that the file of a kind of subject sets, in order; scorers that it turns off come last."""
    origin, layer = _kind_layer(kind)
    found = [one for one in values_of_base(SHOWN_ON, kind=kind) if one.origin == origin]
    scorers = PanelConfig.model_fields["scorers"]
    for path, stated in layer.stated.items():
        if path[:2] == ("panel", "scorers") and len(path) == 3 and stated.value is None:
            found.append(Value(Setting(path, scorers, PanelConfig), None, origin, stated.why))
    return found


def values_of_base(base: str, profile: str = NONE, kind: str = CHARACTER) -> list[Value]:
    """Every value of the configuration that a base has by itself for a kind of subject, in order. Raises ConfigError.

    ``base`` is a preset, a file or a folder; ``profile`` is one of configs/machines/.
    """
    config = load(base, profile=profile, subject=kind)
    identity = identity_of(base)
    preset = identity.preset if identity else base
    own: list[_Layer] = []
    if config.profile not in ("", NONE):
        own.append(_layer(f"configs/base/{preset}.yaml", ("profiles", config.profile)))
        own.append(_layer(f"configs/machines/{config.profile}.yaml"))
    _, of_kind = _kind_layer(kind)
    own.append(of_kind)
    shipped: list[_Layer] = []
    if identity:
        plain = {"base": {**identity.settings, "name": "", "path": "", "license": "", "license_link": ""}}
        shipped.append(_Layer(f'"{base}"', {path: _Stated(value, "") for path, value in _parts(plain)}))
    files = {"base": preset, "loop": "standard"}
    named = kind_named(kind).changes.views or "standard"
    if isinstance(named, str) and not named.endswith(ENDINGS):
        files["views"] = named
    for section, name in {**files, "panel": config.base.scoring}.items():
        shipped.append(_layer(f"configs/{SECTIONS[section]}/{name}.yaml", (), (section,)))
    found = []
    for setting, value in _leaves(config):
        path = setting.path
        layers = [
            one for one in own if path in one.stated and _same(one.stated[path].value, value)
        ]  # not of every base
        layers += [one for one in shipped if path in one.stated]
        origin, why = (layers[0].origin, layers[0].stated[path].why) if layers else (DEFAULT, "")
        found.append(Value(setting, value, origin, why))
    return found


def _same(stated: Any, value: Any) -> bool:
    """Whether a value is the one that a file states: its lists are tuples in a configuration."""
    return json.dumps(stated, default=str) == json.dumps(value, default=str)


def _kind_layer(kind: str) -> tuple[str, _Layer]:
    """The file of a kind of subject, and what it sets."""
    origin = kind if kind.endswith(ENDINGS) else f"configs/{SECTIONS['subject']}/{kind}.yaml"
    stated = {}
    for path, one in _layer(origin).stated.items():
        stated[path if path[0] in CHANGED else ("subject", *path)] = one
    return origin, _Layer(origin, stated)


def _layer(origin: str, within: tuple[str, ...] = (), place: tuple[str, ...] = ()) -> _Layer:
    """What a file of configs/ sets, from the key ``within`` it on, at a ``place`` of the configuration."""
    file = Path(origin).expanduser()
    if origin.startswith("configs/"):
        file = configs_dir().joinpath(*origin.split("/")[1:])
    text = file.read_text(encoding="utf-8")
    node: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
    plain: Any = yaml.safe_load(text)
    for key in within:
        plain = plain.get(key, {})
        inner = {one.value: part for one, part in node.value} if isinstance(node, yaml.MappingNode) else {}
        node = inner.get(key)
    stated = {(*place, *path): _Stated(value, "") for path, value in _parts(plain)}
    for path, why in _comments(node, text.splitlines()):
        stated[*place, *path] = _Stated(stated[*place, *path].value, why)
    return _Layer(origin, stated)


def _parts(plain: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of plain settings, sections too, with its path."""
    items = plain.items() if isinstance(plain, Mapping) else ()
    if isinstance(plain, list):
        items = {str(place): one for place, one in enumerate(plain)}.items()
    for key, value in items:
        yield (str(key),), value
        yield from (((str(key), *path), part) for path, part in _parts(value))


def _comments(node: yaml.Node | None, lines: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The comment of every value of a YAML file: behind it, or in the lines above it, with its path."""
    if isinstance(node, yaml.SequenceNode):
        for place, one in enumerate(node.value):
            yield from (((str(place), *path), why) for path, why in _comments(one, lines))
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        above = []
        for line in reversed(lines[: key.start_mark.line]):
            if not line.strip().startswith("#") or line.index("#") != key.start_mark.column:
                break
            above.append(line.strip().lstrip("# "))
        last = value.start_mark.line if isinstance(value, yaml.MappingNode) else value.end_mark.line
        _, sign, behind = lines[last].rpartition(" #")
        if key.start_mark.column == 0 and key.start_mark.line == len(above):
            above = []  # the head of the file
        yield (key.value,), " ".join([*reversed(above), behind.strip() if sign else ""]).strip()
        yield from (((key.value, *path), why) for path, why in _comments(value, lines))


def _leaves(model: BaseModel, above: tuple[str, ...] = ()) -> Iterator[tuple[Setting, Any]]:
    """Each value of a config that is no config itself."""
    for name, field in type(model).model_fields.items():
        value, path = getattr(model, name), (*above, name)
        inside: dict[tuple[str, ...], Any] = {(): value}
        if isinstance(value, Mapping):
            inside = {(str(key),): one for key, one in value.items()}
        elif isinstance(value, tuple):
            inside = {(str(place),): one for place, one in enumerate(value)}
        parts = {key: one for key, one in inside.items() if isinstance(one, BaseModel)}
        for key, one in parts.items():
            yield from _leaves(one, (*path, *key))
        if not parts:
            yield Setting(path, field, type(model)), value
