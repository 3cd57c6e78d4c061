"""``bootstrap setup``: everything that a base's panel needs, fetched after one consent; or a panel without it.

Fetches scorers, face detectors and the reference adapter; never a base. Then says what ``check`` would, without a seed.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from bootstrap.character import Character
from bootstrap.cli.check import check_models
from bootstrap.cli.check_cost import print_cost
from bootstrap.cli.findings import Findings
from bootstrap.cli.options import Options
from bootstrap.cli.resolve import resolve
from bootstrap.config import PanelConfig, RunConfig
from bootstrap.errors import BackendError, BootstrapError, OutputError, UsageError
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.inventory import cache_folder, disk_free
from bootstrap.panel.availability import blind_spots, missing_parts_of, smaller, unjudged
from bootstrap.panel.downloads import Model, fetch_model, fetched_by, model_named
from bootstrap.panel.face_packs import PACKS, Pack, fetch
from bootstrap.panel.hub_models import stated_model

__all__ = ["SMALLER", "setup_command"]

SMALLER = "panel.on_missing=smaller"
"""The setting that judges with what is on this machine."""
NOBODY = Character(name="nobody", trigger="nobody", invariant={"hair": ("hair",)})
"""Stands for the character: what is set up depends on none."""


@dataclass(frozen=True, slots=True)
class _Offer:
    """Something that can be fetched; ``needed`` is False for what the panel can do without."""

    source: Model | Pack
    needed: bool = True

    def fetch(self) -> list[str]:
        """Download it, verified; returns what to print of each file. Raises OutputError."""
        if isinstance(self.source, Pack):
            return [f"{fetch(self.source)}  {self.source.name}.zip"]
        files = self.source.missing
        fetch_model(self.source)
        return [f"{file.sha256 or file.blob}  {file.path}" for file in files]


def setup_command(options: Options, *, yes: bool, offline: bool) -> None:
    """Ask once, fetch, verify, check. Exits with 1 where something is still missing then.

    ``offline`` downloads nothing: the panel of what is here is told. Raises UsageError where nobody can be asked.
    """
    words = ["bootstrap", "setup", *options.words()]
    config = resolve(NOBODY, options, None, "nobody named one", shlex.join(words))
    typer.echo(f"setup      base {config.base.short_name}, panel {config.base.scoring}")
    if offline:
        _tell_smaller(config, options)
        return
    offers, whole = _offers(config)
    if offers and not _agreed(offers, yes=yes, words=words):
        _tell_smaller(config, options)
        return
    for offer in offers:
        whole &= _fetched(offer)
    if not whole:
        _tell_smaller(config, options)
        raise typer.Exit(1)
    _check(config, options)


def _offers(config: RunConfig) -> tuple[list[_Offer], bool]:
    """What is missing and can be fetched, and whether all that is missing could be found."""
    found: dict[str, _Offer] = {}
    whole = True
    for part in missing_parts_of(config.panel):
        try:
            found.setdefault(part.model, _Offer(_source(part.model, on_hub=part.is_on_hub)))
        except BootstrapError as error:
            _complain(error)
            whole = False
    offered = model_named(config.panel.models.face.offered)
    if offered and offered.missing and not config.panel.models.face.pack:
        found[offered.name] = _Offer(offered, needed=False)
    reference = config.base.reference
    name = fetched_by(reference.path, reference.file).rpartition(" ")[2] if reference and reference.path else ""
    adapter = model_named(name)
    if adapter and adapter.missing:
        found[adapter.name] = _Offer(adapter)
    return list(found.values()), whole


def _source(name: str, *, on_hub: bool) -> Model | Pack:
    """Where a model comes from. Raises BackendError for one that nobody offers, OutputError where the hub is silent."""
    pinned = model_named(name) or next((pack for pack in PACKS if pack.name == name), None)
    if pinned:
        return pinned
    if on_hub:
        return stated_model(name)
    raise BackendError(f"'{name}' is not on this machine, and nobody offers it", "give the path of the model")


def _agreed(offers: list[_Offer], *, yes: bool, words: list[str]) -> bool:
    """Print every download with its size, licence and source, and the total; ask once."""
    for offer in offers:
        source = offer.source
        optional = "" if offer.needed else "; optional"
        typer.echo(f"{source.megabytes:>6} MB  {source.name}: {source.what}; licence {source.licence}{optional}")
        typer.echo(f"           {source.url}")
    total = sum(offer.source.megabytes for offer in offers)
    typer.echo(f"{total:>6} MB  in total, into {cache_folder() / 'models'}")
    free = disk_free(cache_folder()) * 1024
    if free < total:
        raise OutputError(f"{total} MB do not fit: {free:.0f} MB are free at '{cache_folder()}'", "free some space")
    if yes:
        return True
    if not sys.stdin.isatty():
        accept = shlex.join([*words, "--yes"])
        hint = f"to accept them and download: {accept}; to do without: {shlex.join([*words, '--offline'])}"
        raise UsageError(f"the licences of {len(offers)} downloads were not accepted", hint)
    return typer.confirm("Accept these licences and download?", default=False)


def _fetched(offer: _Offer) -> bool:
    """Fetch one thing; whether the panel has what it needs of it then."""
    try:
        with waiting(f"fetching {offer.source.name}, {offer.source.megabytes} MB"):
            lines = offer.fetch()
        typer.echo(f"fetched    {offer.source.name}")
        for line in lines:
            typer.echo(f"           {line}")
    except OutputError as error:
        _complain(error)
        return not offer.needed
    return True


def _complain(error: BootstrapError) -> None:
    typer.echo(f"error: {error.message}", err=True)
    typer.echo(f"hint: {error.hint}", err=True)


def _check(config: RunConfig, options: Options) -> None:
    """What ``check`` says of base, panel, time and memory; the next command. Exits with 1 where no run can begin."""
    found = Findings()
    check_models(config, found)
    with found.collecting():
        print_cost(config, options, Path("runs"), 1, found)
    face = model_named(config.panel.models.face.offered)
    settings = []
    if face and not face.missing and not config.panel.models.face.pack:
        settings = face.usage.split()
    found.notes = [note for note in found.notes if not settings or "doctor --fetch" not in note]
    if not missing_parts_of(config.panel):
        typer.echo("panel      every scorer is on this machine")
    found.print()
    _print_next(options, settings)
    if found.problems:
        raise typer.Exit(1)


def _tell_smaller(config: RunConfig, options: Options) -> None:
    """The panel of what is here: its scorers, what it cannot see, and the setting that takes it."""
    panel = smaller(config.panel)
    typer.echo(f"smaller    {', '.join(_named(panel))}")
    for line in filter(None, [unjudged(panel), *blind_spots(panel, config.views.families)]):
        typer.echo(f"           {line}")
    _print_next(options, ["--set", SMALLER, "--approval", "human"])


def _named(panel: PanelConfig) -> Iterator[str]:
    """The scorers of a panel, each with its role."""
    for name, role in panel.roles.items():
        yield f"{name} ({role})"


def _print_next(options: Options, settings: list[str]) -> None:
    words = options.words()
    typer.echo(f"next       {shlex.join(['bootstrap', 'init', 'seed.png', '--base', options.base or ''])}")
    typer.echo(f"           {shlex.join(['bootstrap', 'run', 'seed.png', 'character.json', *words, *settings])}")
