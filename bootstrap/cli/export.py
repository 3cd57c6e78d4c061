"""``bootstrap export``: what a run has made so far, in the format that another program needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import typer

from bootstrap.cli.out_folder import marked, refuse_full
from bootstrap.cli.upscale import opened_upscaler, upscale_dataset
from bootstrap.dataset.writing import INDEX
from bootstrap.errors import StoreError, UsageError
from bootstrap.export.collection import Collection
from bootstrap.export.kohya_metadata import write_metadata
from bootstrap.export.release import release_of, run_settings, write_diffusers, write_kohya
from bootstrap.records import Adapter
from bootstrap.runs.accepted import finished_lora
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.standing import finished
from bootstrap.store.delivery import deviations
from bootstrap.store.files import write_atomic
from bootstrap.store.replacing import ALTERED
from bootstrap.store.store import Store

__all__ = ["FORMATS", "export_command"]

FORMATS = ("kohya", "diffusers", "dataset")
PRECISIONS = ("fp16", "fp32")
CAPTIONS = ("txt", "kohya")
UPSCALED = "-upscaled"
"""How the name of the folder ends whose pictures were enlarged."""


def export_command(
    run: Path,
    *,
    format: str,
    round: int | None,
    out: Path | None,
    precision: str = "fp16",
    captions: str = "txt",
    upscale: str = "",
) -> None:
    """Write a LoRA or the dataset of a run, finished or not, into ``out``; prints what was written."""
    known_of = {"format": FORMATS, "precision": PRECISIONS, "captions": CAPTIONS}
    given = {"format": format, "precision": precision, "captions": captions}
    for option, known in known_of.items():
        value = given[option]
        if value not in known:
            raise UsageError(f'--{option} "{value}" is unknown', f"use one of: {', '.join(known)}")
    if captions != "txt" and format != "dataset":
        raise UsageError(f'--captions "{captions}" is for a dataset', "add --format dataset")
    if upscale and format != "dataset":
        raise UsageError(f'--upscale "{upscale}" is for a dataset', "add --format dataset")
    if out:
        refuse_full(out)
    with open_to_read(run) as store:
        folder = out or run / "export" / f"{_folder_name(format, round)}{UPSCALED if upscale else ''}"
        if format == "dataset":
            write: Callable[[Path], Path] = _dataset_writer(store, round)
        else:
            release = release_of(store, _adapter(store, round))
            for frame in release.previews:
                store.frame_image(frame)  # raises where another picture lies in its place
            writer = write_kohya if format == "kohya" else write_diffusers
            write = partial(writer, release, half=precision == "fp16")
        upscaler = opened_upscaler(upscale) if upscale else None
        if upscaler is not None:
            (folder / INDEX).unlink(missing_ok=True)  # pictures that an earlier export enlarged are written anew
        with marked(folder):
            typer.echo(write(folder))
            if upscaler is not None:
                upscale_dataset(folder, upscaler, run_settings(store)[0])
            if captions == "kohya":
                write_metadata(folder)


def _folder_name(format: str, round: int | None) -> str:
    return format if round is None else f"{format}-r{round:02d}"


def _adapter(store: Store, round: int | None) -> Adapter:
    """The adapter of a round, else the finished one, else the latest."""
    adapters = store.adapters()
    if not adapters:
        raise UsageError(f'"{store.directory}" has trained nothing yet', "wait for its first round")
    if round is None:
        return finished_lora(store) or adapters[-1]
    of_round = [adapter for adapter in adapters if adapter.round == round]
    if not of_round:
        rounds = dict.fromkeys(str(adapter.round) for adapter in adapters)
        raise UsageError(f'"{store.directory}" has no LoRA of round "{round}"', f"choose one of: {', '.join(rounds)}")
    return min(of_round, key=lambda adapter: adapter.is_final)


def _dataset_writer(store: Store, round: int | None) -> Callable[[Path], Path]:
    """The finished set as it lies in the run, edited captions included; else what is kept by now, or by a round."""
    from loops.archive import Archive

    dataset = store.directory / "dataset"
    if round is None and finished(store.events()) and dataset.is_dir():
        return partial(_copy_dataset, store, dataset)
    kept = [frame for frame in Archive.of(store).usable_keeps if round is None or frame.job.round <= round]
    if not kept:
        raise UsageError(f'"{store.directory}" has kept nothing yet', "wait for the end of a round")
    config, character = run_settings(store)
    collection = Collection(store, config, character, kept)

    def write(folder: Path) -> Path:
        collection.write(folder, config.finishing_recipe.repeats_of(len(kept)))
        return folder

    return write


def _copy_dataset(store: Store, dataset: Path, folder: Path) -> Path:
    """Copy the finished set, with what a person changed. Raises StoreError where a file of it is lost or damaged."""
    for one in deviations(store, f"{dataset.name}/"):
        if one.state == "changed":
            typer.echo(f"changed by hand, exported as it is: {one.path}", err=True)
            continue
        hint = "run the same `bootstrap run` again: it writes the file again"
        raise StoreError(f"'{store.directory / one.path}' is lost or damaged", hint)
    files = [path for path in dataset.rglob("*") if path.is_file() and f".{ALTERED}-" not in path.name]
    for path in sorted(files):
        write_atomic(folder / path.relative_to(dataset), path.read_bytes())
    return folder
