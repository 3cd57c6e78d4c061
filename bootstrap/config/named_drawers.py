"""The settings of a drawer that is not the base, by what a person types: a preset, an own file, or a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bootstrap.backends.outside.drawer_kinds import DRAWER_KINDS
from bootstrap.config.problems import validated
from bootstrap.config.run_settings import BASE
from bootstrap.config.shipped_files import read_section
from bootstrap.errors import ConfigError
from bootstrap.store.near_files import or_near

__all__ = ["complete_drawer", "drawer_named", "two_drawers"]

FOLDER = "folder:"


def drawer_named(text: str, changes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The settings of a drawer with ``changes``; None for ``base``. Raises ConfigError.

    ``text`` is the name of a file of configs/drawers/, an own YAML file, or ``folder:PATH``.
    """
    name, changed = text, dict(changes)
    if text.startswith(FOLDER):
        path = Path(text.removeprefix(FOLDER)).expanduser()
        if not path.is_dir():
            hint = or_near(path, "make it, or name another one")
            raise ConfigError(f'--drawer "{text}": there is no such folder', hint)
        name, changed = "folder", {"path": str(path.absolute()), **changed}
    if name == BASE:
        if changed:
            raise ConfigError(f'--{next(iter(changed))} is no option of the drawer "base"', "leave it out")
        return None
    return _complete({**read_section("drawers", name), **changed}, name)


def two_drawers(names: Sequence[str], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings ``drawer`` and ``second`` of two that share the work, the base as the second. Raises ConfigError.

    Each of the ``changes`` is of the first one that has such a setting.
    """
    if len(names) > 2:
        listed = ", ".join(names)
        raise ConfigError(f'--drawer "{listed}": two drawers at most share the work', "leave out all but two")
    first, second = sorted(names, key=lambda name: name == BASE)
    if first == second:
        raise ConfigError(f'--drawer "{first}" is given twice', "leave one out, or name another drawer")
    own: list[dict[str, Any]] = [{}, {}]
    plain = [drawer_named(name, {}) or {} for name in (first, second)]
    for name, value in changes.items():
        own[1 if name in plain[1] and name not in plain[0] else 0][name] = value
    return {"drawer": drawer_named(first, own[0]), "second": drawer_named(second, own[1]) or BASE}


def complete_drawer(given: object) -> dict[str, Any]:
    """The settings of the drawer of a configuration, validated, its instructions read. Raises ConfigError."""
    if not isinstance(given, Mapping):
        raise ConfigError(f'drawer "{given}": write named parts, {{ ... }}', "name a drawer with --drawer")
    if "kind" not in given:
        named = ", ".join(f"drawer.{name}" for name in given)
        raise ConfigError(f"{named}: there is no drawer whose setting that is", "name it with --drawer")
    return _complete(given, "drawer")


def _complete(settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A drawer's settings, validated, with its instructions. Raises ConfigError, which begins with ``where``."""
    plain = dict(settings)
    kind = plain.get("kind")
    if kind not in DRAWER_KINDS:
        raise ConfigError(f'{where}: kind "{kind}" is no kind of drawer', f"choose one of: {', '.join(DRAWER_KINDS)}")
    if kind == "folder" and not plain.get("path"):
        raise ConfigError(f'the drawer "{where}" needs a folder', "name it: --drawer folder:inbox/")
    if isinstance(plain.get("instructions"), str):
        plain["instructions"] = read_section("instructions", plain["instructions"])
    return validated(DRAWER_KINDS[kind], plain, where, ConfigError).model_dump()
