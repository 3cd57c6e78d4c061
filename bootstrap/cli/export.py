"""``bootstrap export``: what a run has made so far, in the format that another program wants."""

from __future__ import annotations

from pathlib import Path

import typer

from bootstrap.errors import OutputError, UsageError
from bootstrap.export.collection import Collection
from bootstrap.export.release import facts_of, release_of, write_diffusers, write_kohya
from bootstrap.records import Adapter, Frame
from bootstrap.runs.standing import finished
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

__all__ = ["FORMATS", "export_command"]

FORMATS = ("kohya", "diffusers", "dataset")


def export_command(run: Path, *, format: str, round: int | None, out: Path | None) -> None:
    """Write a LoRA or the dataset of a run, finished or not, into ``out``; prints what to use."""
    if format not in FORMATS:
        raise UsageError(f'--format "{format}" is unknown', f"use one of: {', '.join(FORMATS)}")
    if out and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f'"{out}" is not an empty folder', "choose another --out")
    with Store.open(run, exclusive=False) as store:
        folder = out or run / "export" / (format if round is None else f"{format}-r{round:02d}")
        if format == "dataset":
            typer.echo(_dataset(store, round, folder))
        else:
            release = release_of(store, _adapter(store, round))
            typer.echo(write_kohya(release, folder) if format == "kohya" else write_diffusers(release, folder))


def _adapter(store: Store, round: int | None) -> Adapter:
    """The adapter of a round, else the finished one, else the latest."""
    adapters = store.adapters()
    if not adapters:
        raise UsageError(f'"{store.directory}" has trained nothing yet', "wait for its first round")
    if round is None:
        return next((one for one in reversed(adapters) if one.is_final), adapters[-1])
    found = [one for one in adapters if one.round == round]
    if not found:
        known = ", ".join(str(number) for number in dict.fromkeys(one.round for one in adapters))
        raise UsageError(f'"{store.directory}" has no LoRA of round "{round}"', f"choose one of: {known}")
    return min(found, key=lambda one: one.is_final)


def _dataset(store: Store, round: int | None, folder: Path) -> Path:
    """The finished set as it lies in the run, edited captions included; else what is kept by now, or by a round."""
    there = store.directory / "dataset"
    if round is None and finished(store.events()) and there.is_dir():
        for path in sorted(path for path in there.rglob("*") if path.is_file()):
            write_atomic(folder / path.relative_to(there), path.read_bytes())
        return folder
    kept = [frame for frame in _usable(store) if round is None or frame.job.round <= round]
    if not kept:
        raise UsageError(f'"{store.directory}" has kept nothing yet', "wait for the end of a round")
    config, character = facts_of(store)
    return Collection(store, config, character, kept).write(folder, config.finishing_recipe.repeats).parent


def _usable(store: Store) -> list[Frame]:
    """Kept frames of every round that did not drift."""
    from loops.stopping import usable_rounds

    rounds = store.rounds()
    done = [one for one in rounds if one.outcome is not None]
    usable = usable_rounds(done) | {one.number for one in rounds if one.outcome is None}
    return [frame for frame in store.kept() if frame.job.round in usable]
