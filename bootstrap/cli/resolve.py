"""From the options of a command line to the configuration of a run, and to its folder."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from bootstrap.character import Character, check_kind
from bootstrap.cli.choosing import choose_base
from bootstrap.cli.options import Options
from bootstrap.cli.which_base import settle_base
from bootstrap.compare.grid import companion_from
from bootstrap.compare.other_bases import on_other_bases
from bootstrap.config import (
    PanelConfig,
    RunConfig,
    control_named,
    drawer_named,
    load,
    read_own,
    reference_named,
    stored_config,
    two_drawers,
)
from bootstrap.config.merging import merged
from bootstrap.errors import BootstrapError, ConfigError, OutputError
from bootstrap.panel.availability import smaller
from bootstrap.retouch.upscale_models import find_upscaler
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.store.run_folder import holds_database

__all__ = ["base_begun_with", "resolve", "run_folder"]

INSIDE = 400
"""Bytes that the path of a file in a run has at most, behind the run's folder."""


def resolve(
    character: Character, options: Options, begun_with: str | None = None, why: str = "", command: str = "bootstrap run"
) -> RunConfig:
    """The configuration: shipped files, then the own file, then the character, then the command line.

    Where nobody names a base, it is the one the run was ``begun_with``, or a person is asked: ``why`` and ``command``
    are for that question. Raises ConfigError, and CharacterError where the character does not fit the configuration.
    """
    own = dict(read_own(options.config)) if options.config else {}
    base = options.base or _base_in(own) or character.base or begun_with or choose_base(command, why)
    if isinstance(own.get("base"), str):
        del own["base"]
    if options.loop and isinstance(own.get("loop"), str):
        del own["loop"]
    own |= _named(options, own)
    if begun_with != base and own.get("backend") != "fake":
        stated = {f"base.{name}" for name in own.get("base", {})}
        if "panel" in own:
            stated.add("base.scoring")
        stated |= {text.partition("=")[0].strip() for text in options.settings}
        settle_base(base, stated, preset=options.preset)
    profile = "auto"
    if own.get("backend") == "fake":
        profile = "none"
    config = load(
        base,
        views=character.views,
        subject=character.kind,
        own=own,
        profile=options.profile or profile,
        preset=options.preset or "",
        recipe=options.recipe or "",
        loop=options.loop or "standard",
        overrides=[*options.settings, *_loop_settings(options)],
    )
    check_kind(character, config)
    if config.panel.on_missing == "smaller":
        panel = smaller(config.panel, _panel_begun_with(run_folder(character, options)))
        config = config.model_copy(update={"panel": panel})
    return _with_companions(config)


def run_folder(character: Character, options: Options) -> Path:
    """Where the run of a character lies. Raises OutputError where a name is too long for the system."""
    folder = options.out or Path("runs") / character.called
    _require_short(folder)
    return folder


def base_begun_with(directory: Path) -> str | None:
    """The base of the run in a folder, None where there is none; a damaged run is reported when it is opened."""
    if not holds_database(directory):
        return None
    with contextlib.suppress(BootstrapError), open_to_read(directory) as store:
        return _base_in(json.loads(store.recall("config") or "{}"))
    return None


def _panel_begun_with(directory: Path) -> PanelConfig | None:
    """The smaller panel of the run in a folder; None where there is no run, or one with its whole panel."""
    if not holds_database(directory):
        return None
    with contextlib.suppress(BootstrapError), open_to_read(directory) as store:
        panel = stored_config(store.recall("config")).panel
        return panel if panel.on_missing == "smaller" else None
    return None


def _require_short(folder: Path) -> None:
    """Raise OutputError for a folder whose name, or in which the name of a file, would be too long."""
    if not hasattr(os, "pathconf"):
        return
    whole = folder.absolute()
    place = next(path for path in (whole, *whole.parents) if os.path.exists(path))  # noqa: PTH110 - bears long names
    longest, most = os.pathconf(place, "PC_NAME_MAX"), os.pathconf(place, "PC_PATH_MAX") - INSIDE
    hint = "choose another folder with --out"
    for part in whole.parts:
        if (length := len(os.fsencode(part))) > longest:
            raise OutputError(f'"{folder}" is too long a path: "{part}" has {length} bytes of {longest}', hint)
    if (length := len(os.fsencode(whole))) > most:
        raise OutputError(f'"{folder}" is too long a path: it has {length} bytes of {most}', hint)


def _loop_settings(options: Options) -> list[str]:
    """The options that are settings of the loop, as overrides."""
    settings: list[str] = []
    for name in ("target", "rounds", "approval"):
        value = getattr(options, name)
        if value is not None:
            settings.append(f"loop.{name}={value}")
    if options.beside:
        settings.append(f"loop.acceptance.beside={json.dumps(options.beside)}")
    if options.also:
        settings.append(f"loop.acceptance.also={json.dumps(options.also)}")
    return settings


def _named(options: Options, own: dict[str, Any]) -> dict[str, Any]:
    """The sections of an own file that the command line sets, or parts of which it sets."""
    found: dict[str, Any] = {}
    for name, value in (("random_seed", options.random_seed), ("backend", options.backend), ("judge", options.judge)):
        if value is not None:
            found[name] = value
    if upscale := options.upscale or own.get("upscale"):
        found["upscale"] = find_upscaler(str(upscale))
    base: dict[str, Any] = {}
    if options.vae:
        base["sampling"] = {"vae": str(options.vae.absolute())}
    if options.reference:
        base["reference"] = reference_named(options.reference)
    if options.control:
        base["control"] = control_named(options.control)
    if base:
        found["base"] = merged(own.get("base", {}), base)
    drawer, changes = own.get("drawer"), _drawer_settings(options)
    if len(options.drawer) > 1:
        found |= two_drawers(options.drawer, changes)
    elif options.drawer or isinstance(drawer, str):
        found["drawer"] = drawer_named(options.drawer[0] if options.drawer else str(drawer), changes)
    elif changes and isinstance(drawer, dict):
        found["drawer"] = {**drawer, **changes}
    elif changes:
        raise ConfigError(f"--{next(iter(changes))} is an option of a drawer", "name it with --drawer")
    return found


def _drawer_settings(options: Options) -> dict[str, Any]:
    """The options that are settings of a drawer."""
    settings: dict[str, Any] = {}
    if options.workflow:
        settings["workflow"] = str(options.workflow.expanduser().absolute())
    for name in ("server", "spend"):
        value = getattr(options, name)
        if value is not None:
            settings[name] = value
    return settings


def _with_companions(config: RunConfig) -> RunConfig:
    """The LoRAs and checkpoints that the finished one is tried beside and on, by their whole paths.

    Raises UsageError where one is missing, and for a checkpoint that it does not fit.
    """
    hashes: dict[Path, str] = {}
    found = [companion_from(text, hashes) for text in config.loop.acceptance.beside]
    beside = tuple(one.text for one in found)
    on_other_bases(config, config.loop.acceptance.also)
    also = tuple(str(Path(name).absolute()) if Path(name).exists() else name for name in config.loop.acceptance.also)
    acceptance = config.loop.acceptance.model_copy(update={"beside": beside, "also": also})
    return config.model_copy(update={"loop": config.loop.model_copy(update={"acceptance": acceptance})})


def _base_in(config: dict[str, Any]) -> str | None:
    """The base that a configuration names: as text, or as a section with a name."""
    base = config.get("base")
    if isinstance(base, dict):
        base = base.get("name")
    return str(base) if base else None
