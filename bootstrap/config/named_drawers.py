"""The settings of a drawer that is not the base, by what a person types: a preset, an own file, or a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootstrap.backends.outside.drawer_kinds import DRAWER_KINDS
from bootstrap.config.problems import validated
from bootstrap.config.shipped_files import read_section
from bootstrap.errors import ConfigError

__all__ = ["complete_drawer", "drawer_named"]

BASE = "base"
"""What names the base itself."""
FOLDER = "folder:"


def drawer_named(text: str, changes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The settings of a drawer with ``changes``; None for ``base``. Raises ConfigError.

    ``text`` is the name of a file of configs/drawers/, an own YAML file, or ``folder:PATH``.
    """
    name, changed = text, dict(changes)
    if text.startswith(FOLDER):
        path = Path(text.removeprefix(FOLDER)).expanduser()
        if not path.is_dir():
            raise ConfigError(f'--drawer "{text}": there is no such folder', "make it, or name another one")
        name, changed = "folder", {"path": str(path.absolute()), **changed}
    if name == BASE:
        if changed:
            raise ConfigError(f'--{next(iter(changed))} is no option of the drawer "base"', "leave it out")
        return None
    return _complete({**read_section("drawers", name), **changed}, name)


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
