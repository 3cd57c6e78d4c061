"""``bootstrap gc`` and ``bootstrap verify``: free disk space, and check that a run is still as it was stored."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import typer

from bootstrap.errors import BootstrapError, StoreError
from bootstrap.listeners.waiting import waiting
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.upkeep import check_files, free, freeable
from bootstrap.store.store import Store

__all__ = ["gc_command", "verify_command"]

MIB = 1 << 20


def gc_command(run: Path, *, dry_run: bool) -> None:
    """Free what is not needed any more and print what it was; refused while somebody works on the run."""
    with Store.open(run) as store:
        pieces = freeable(store)
        sizes: dict[str, list[int]] = defaultdict(list)
        for piece in pieces:
            sizes[piece.reason].append(piece.size)
            typer.echo(f"{piece.size / MIB:9.1f} MB  {piece.path}")
        if not dry_run:
            free(store, pieces)
    if not pieces:
        typer.echo("nothing to free")
        return
    for reason, each in sizes.items():
        typer.echo(f"{sum(each) / MIB:9.1f} MB  {len(each)} x {reason}")
    total = sum(piece.size for piece in pieces) / MIB
    done = "nothing was removed (--dry-run)" if dry_run else "removed"
    typer.echo(f"{total:9.1f} MB  {done}; pictures, verdicts, seeds, dataset and LoRA stay")


def verify_command(run: Path) -> None:
    """Hash everything anew; exits 1 and names what is wrong."""
    try:
        with open_to_read(run) as store, waiting("hashing every picture and LoRA"):
            problems, counted = check_files(store), f"{len(store.frames())} pictures, {len(store.adapters())} LoRAs"
    except StoreError as damage:  # of the database itself: nothing else can be checked
        raise BootstrapError(damage.message, damage.hint) from damage
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise BootstrapError(
            f"{len(problems)} things in '{run}' are not as they were stored",
            "run the same `bootstrap run` again: it makes again what can be made again, and names the rest",
        )
    typer.echo(f"everything is as it was stored: {counted}")
