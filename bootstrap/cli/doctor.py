"""``bootstrap doctor``: what this machine can do; the one command that downloads a model, and only after asking."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from bootstrap import __version__
from bootstrap.backends.bases import check_base
from bootstrap.backends.control_files import missing_of_control
from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.reference_files import missing_of_reference
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.config import (
    PanelConfig,
    control_named,
    embedded,
    load,
    load_panel,
    place_of,
    reference_named,
    shipped_names,
)
from bootstrap.config.memory import check_memory
from bootstrap.config.profiles import profile_on
from bootstrap.errors import BackendError, ConfigError, UsageError
from bootstrap.machine.hub import cached
from bootstrap.machine.inventory import Accelerator, accelerator, disk_free, memory, versions
from bootstrap.panel.availability import missing_models, offers
from bootstrap.panel.downloads import MODELS, Model, fetch_model, fetched_by, model_named
from bootstrap.panel.face_packs import Pack, fetch, folder_of, pack_named
from bootstrap.panel.hub_models import stated_model
from bootstrap.readers.local_model import CONFIG
from bootstrap.readers.reader_settings import CHOSEN, LocalReaderSettings, reader_named
from bootstrap.readers.reader_state import ReaderState, reader_state

__all__ = ["doctor_command", "panel_lacks"]

PACKAGES = (
    "torch", "torchvision", "diffusers", "transformers", "peft", "accelerate", "safetensors", "open-clip-torch",
    "insightface", "onnxruntime", "pillow", "numpy", "pydantic", "typer", "rich", "PyYAML",
)  # fmt: skip
LEAST_DISK = 2.0
"""GiB that a run should find free."""


def doctor_command(*, as_json: bool, fetching: str | None, yes: bool) -> None:
    """Print what was found; with ``fetching`` get that model first. Exits with 1 when no run would work here."""
    if fetching:
        _fetch(fetching, yes=yes)
    facts = examine(Path.cwd())
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _print(facts)
    if facts["problems"]:
        raise typer.Exit(1)


def examine(folder: Path) -> dict[str, Any]:
    """Everything as plain data: program, device, memory and disk in GiB, packages, what is usable, and problems."""
    packages = versions(PACKAGES)
    problems = [f"the package {name} is missing: pip install {name}" for name in packages if not packages[name]]
    device = accelerator() if packages["torch"] else None
    bases = {name: _usable(base_lacks(name, device)) for name in shipped_names("base")}
    panels = {name: _panel(load_panel(name)) for name in shipped_names("scoring")}
    references = {name: _usable(reference_lacks(name)) for name in shipped_names("references")}
    controls = {name: _usable(control_lacks(name)) for name in shipped_names("controls")}
    readers = {name: reader_facts(name, device) for name in _readers()}
    free = disk_free(folder)
    if free < LEAST_DISK:
        problems.append(f"only {free:.1f} GB are free in {folder}: a run needs about {LEAST_DISK:.0f}")
    if not any(base["usable"] for base in bases.values()):
        problems.append("no base is usable")
    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "device": _device(device),
        "memory": round(memory(), 1),
        "disk_free": round(free, 1),
        "packages": packages,
        "bases": bases,
        "scoring": panels,
        "references": references,
        "controls": controls,
        "readers": readers,
        "problems": problems,
    }


def panel_lacks(panel: PanelConfig) -> list[str]:
    """What a panel lacks on this machine, in words; [] when it is usable. Loads and downloads nothing."""
    return [f"{what} ({how})" for what, how in missing_models(panel)]


def base_lacks(name: str, device: Accelerator | None) -> str:
    """Why a base cannot be used on a device (None: not known) with the profile that fits it; "" when it can."""
    device = device or Accelerator("cpu", "", memory())
    try:
        config = load(name, profile=profile_on(device))
        check_base(embedded(config.base.path))
        check_memory(config, device)
    except (BackendError, ConfigError) as error:
        return str(error)
    return ""


def reference_lacks(name: str) -> str:
    """What a shipped reference adapter lacks on this machine, and how to get it; "" for nothing."""
    settings = ReferenceSettings.model_validate(reference_named(name))
    missing = missing_of_reference(settings, place_of(settings.path))
    return f'no "{missing}" ({fetched_by(settings.path, settings.file)})' if missing else ""


def control_lacks(name: str) -> str:
    """What a shipped ControlNet lacks on this machine, and how to get it; "" for nothing."""
    settings = ControlSettings.model_validate(control_named(name))
    missing = missing_of_control(place_of(settings.path))
    return f"no {missing} (hf download {settings.path})" if missing else ""


def reader_facts(name: str, device: Accelerator | None) -> dict[str, object]:
    """A reader as plain data: usable, or why not; and what it is."""
    try:
        state = reader_state(reader_named(name), device)
    except ConfigError as error:
        state = ReaderState(str(error))
    return {**_usable(state.why), "about": state.about}


def _readers() -> list[str]:
    """The readers of configs/readers/, and the one that the environment names."""
    chosen = os.environ.get(CHOSEN, "").strip()
    return list(dict.fromkeys([*shipped_names("readers"), *filter(None, [chosen if chosen != "none" else ""])]))


def _usable(reason: str) -> dict[str, object]:
    """A base, a panel, a reference adapter or a ControlNet as plain data: usable, or why not."""
    return {"usable": not reason, "why": reason}


def _panel(panel: PanelConfig) -> dict[str, object]:
    """A panel as plain data: usable, or why not; and what else it can have."""
    return {**_usable("; ".join(panel_lacks(panel))), "offers": offers(panel)}


def _device(device: Accelerator | None) -> dict[str, object] | None:
    """The device as plain data; None where torch is missing."""
    if device is None:
        return None
    return {"kind": device.kind, "name": device.name, "memory": round(device.memory, 1)}


def _fetch(name: str, *, yes: bool) -> None:
    """Download a model or a face pack, unless it is there already or its licence is not accepted."""
    model = model_named(name)
    if model:
        if _accepted("model", model, model.folder, here=not model.missing, yes=yes):
            _fetch_model(model)
        return
    if name in shipped_names("readers"):
        _fetch_reader(name, yes=yes)
        return
    pack = pack_named(name, [one.name for one in MODELS])
    folder = folder_of(name)
    if _accepted("face pack", pack, folder, here=folder.is_dir(), yes=yes):
        typer.echo(f"fetched    sha256 {fetch(pack)}; use it with --set panel.models.face.pack={name}")


def _fetch_reader(name: str, *, yes: bool) -> None:
    """Download the model of a reader as the hub states it. Raises UsageError for a reader behind a server."""
    settings = reader_named(name)
    if not isinstance(settings, LocalReaderSettings):
        raise UsageError(f'the reader "{name}" is a server', "its own program fetches its models")
    if cached(settings.model, CONFIG) is not None:
        typer.echo(f"{name} is there already: {cached(settings.model, CONFIG)}")
        return
    model = replace(stated_model(settings.model), what=settings.about)
    if _accepted("reader", replace(model, name=name), model.folder, here=not model.missing, yes=yes):
        _fetch_model(model, f"--reader {name}")


def _accepted(kind: str, offered: Model | Pack, folder: Path, *, here: bool, yes: bool) -> bool:
    """Print name, size, source and licence, and ask. Raises UsageError where nobody can be asked."""
    if here:
        typer.echo(f"{offered.name} is there already: {folder}")
        return False
    typer.echo(f"{kind:<10} {offered.name}: {offered.what}")
    typer.echo(f"size       about {offered.megabytes} MB, into {folder}")
    typer.echo(f"from       {offered.url}")
    typer.echo(f"licence    {offered.licence}")
    if yes:
        return True
    if not sys.stdin.isatty():
        command = shlex.join(["bootstrap", "doctor", "--fetch", offered.name, "--yes"])
        raise UsageError(f'the licence of "{offered.name}" was not accepted', f"to accept it: {command}")
    if typer.confirm("Accept the licence and download?", default=False):
        return True
    typer.echo("nothing was downloaded")
    return False


def _fetch_model(model: Model, usage: str = "") -> None:
    """Download a model, and print the hashes of its files and how to use it."""
    fetched = model.missing
    fetch_model(model)
    typer.echo(f"fetched    every file has its {'stated digest' if usage else 'pinned sha256'}:")
    for file in fetched:
        typer.echo(f"           {file.sha256 or file.blob}  {file.name}")
    typer.echo(f"           use it with {usage or model.usage}")


def _print(facts: dict[str, Any]) -> None:
    """The facts as lines; problems to stderr."""
    device = "unknown without torch"
    if facts["device"]:
        device = "{kind}: {name}, {memory} GB".format(**facts["device"])
    packages = [f"{name} {version or 'MISSING'}" for name, version in facts["packages"].items()]
    typer.echo(f"bootstrap  {facts['version']} on Python {facts['python']}, {facts['system']}")
    typer.echo(f"device     {device}")
    typer.echo(f"memory     {facts['memory']} GB, {facts['disk_free']} GB free on the disk here")
    typer.echo(f"packages   {', '.join(packages)}")
    for name, base in facts["bases"].items():
        typer.echo(f"base       {name}: {base['why'] or 'usable'}")
    for name, panel in facts["scoring"].items():
        typer.echo(f"scoring    {name}: {panel['why'] or 'usable'}")
        for offer in panel["offers"]:
            typer.echo(f"           {name}: {offer}")
    for name, reference in facts["references"].items():
        typer.echo(f"reference  {name}: {reference['why'] or 'usable'}")
    for name, control in facts["controls"].items():
        typer.echo(f"control    {name}: {control['why'] or 'usable'}")
    for name, reader in facts["readers"].items():
        typer.echo(f"reader     {name}: {reader['why'] or reader['about']}")
    for problem in facts["problems"]:
        typer.echo(f"problem    {problem}", err=True)
