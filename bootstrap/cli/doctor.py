"""``bootstrap doctor``: what this machine can do, and the one place where a model may be downloaded, after asking."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from pathlib import Path
from typing import Any

import typer

from bootstrap import __version__
from bootstrap.backends.bases import check_base
from bootstrap.config import PanelConfig, embedded, known, load_panel, shipped_base
from bootstrap.errors import BackendError, ConfigError, UsageError
from bootstrap.machine.inventory import accelerator, disk_free, memory, versions
from bootstrap.panel.availability import missing_models
from bootstrap.panel.downloads import MODELS, fetch_model, located, model_named
from bootstrap.panel.face_packs import fetch, folder_of, pack_named

__all__ = ["doctor_command", "panel_needs"]

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
        _show(facts)
    if facts["problems"]:
        raise typer.Exit(1)


def examine(folder: Path) -> dict[str, Any]:
    """Everything as plain data: program, device, memory and disk in GiB, packages, bases, panels and problems."""
    packages = versions(PACKAGES)
    problems = [f"the package {name} is missing: pip install {name}" for name in packages if not packages[name]]
    device = accelerator() if packages["torch"] else None
    bases = {name: _base(name, device.memory if device else memory()) for name in known("base")}
    panels = {name: panel_needs(load_panel(name)) for name in known("scoring")}
    free = disk_free(folder)
    if free < LEAST_DISK:
        problems.append(f"only {free:.1f} GB are free in {folder}: a run needs about {LEAST_DISK:.0f}")
    if not any(not missing for missing in bases.values()):
        problems.append("no base is usable")
    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "device": {"kind": device.kind, "name": device.name, "memory": round(device.memory, 1)} if device else None,
        "memory": round(memory(), 1),
        "disk_free": round(free, 1),
        "packages": packages,
        "bases": {name: {"usable": not missing, "why": missing} for name, missing in bases.items()},
        "scoring": {name: {"usable": not missing, "why": "; ".join(missing)} for name, missing in panels.items()},
        "problems": problems,
    }


def panel_needs(panel: PanelConfig) -> list[str]:
    """What a panel lacks on this machine, in words; [] when it is usable. Loads and downloads nothing."""
    return [f"{what} ({how})" for what, how in missing_models(panel)]


def _base(name: str, room: float) -> str:
    """Why a base cannot be used here; "" when it can."""
    try:
        base = shipped_base(name)
        check_base(embedded(base.path))
    except (BackendError, ConfigError) as error:
        return str(error)
    return f"needs {base.memory:.0f} GB, {room:.0f} are there" if room and base.memory > room else ""


def _fetch(name: str, *, yes: bool) -> None:
    """Say name, size, source and licence, ask, and only then download."""
    model = model_named(name)
    offered = model or pack_named(name, [one.name for one in MODELS])
    folder = located(name) if model else folder_of(name)
    if folder.is_dir():
        typer.echo(f"{name} is there already: {folder}")
        return
    typer.echo(f"{'model' if model else 'face pack':<10} {offered.name}: {offered.what}")
    typer.echo(f"size       about {offered.megabytes} MB, into {folder}")
    typer.echo(f"from       {offered.url}")
    typer.echo(f"licence    {offered.licence}")
    if not yes:
        if not sys.stdin.isatty():
            command = shlex.join(["bootstrap", "doctor", "--fetch", name, "--yes"])
            raise UsageError(f'the licence of "{name}" was not accepted', f"to accept it: {command}")
        if not typer.confirm("Accept the licence and download?", default=False):
            typer.echo("nothing was downloaded")
            return
    if model:
        fetch_model(model)
        typer.echo("fetched    every file has its pinned sha256:")
        for file in model.files:
            typer.echo(f"           {file.sha256}  {file.name}")
        typer.echo(f"           use it with --set panel.{model.setting}.model={name}")
        return
    typer.echo(f"fetched    sha256 {fetch(pack_named(name))}; use it with --set panel.face.pack={name}")


def _show(facts: dict[str, Any]) -> None:
    device = facts["device"]
    typer.echo(f"bootstrap  {facts['version']} on Python {facts['python']}, {facts['system']}")
    said = f"{device['kind']}: {device['name']}, {device['memory']} GB" if device else "unknown without torch"
    typer.echo(f"device     {said}")
    typer.echo(f"memory     {facts['memory']} GB, {facts['disk_free']} GB free on the disk here")
    named = (f"{name} {version or 'MISSING'}" for name, version in facts["packages"].items())
    typer.echo(f"packages   {', '.join(named)}")
    for kind, word in (("bases", "base"), ("scoring", "scoring")):
        for name, one in facts[kind].items():
            typer.echo(f"{word:<10} {name}: {'usable' if one['usable'] else one['why']}")
    for problem in facts["problems"]:
        typer.echo(f"problem    {problem}", err=True)
