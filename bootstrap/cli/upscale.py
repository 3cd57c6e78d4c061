"""``bootstrap upscale``, and ``export --upscale``: enlarged copies of pictures, checked against their originals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from PIL import Image

from bootstrap.cli.out_folder import marked, refuse_full
from bootstrap.config import PanelConfig, RunConfig, load_panel, shipped_base
from bootstrap.dataset.provenance import read_provenance, write_provenance
from bootstrap.dataset.writing import INDEX
from bootstrap.errors import PictureError, UsageError
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.plain_output import one_line
from bootstrap.pictures import open_picture, pictures_in
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.retouch.upscale_models import Upscaler, open_upscaler
from bootstrap.retouch.upscaled_files import UpscaledFile, tagged, upscaled_copies
from bootstrap.seeds import gather
from bootstrap.store.files import write_atomic, write_image
from scoring.features import Encoder

__all__ = ["UpscaleOptions", "copies_of", "opened_upscaler", "upscale_command", "upscale_dataset"]

COLUMNS = 4


@dataclass(frozen=True)
class UpscaleOptions:
    """The options of ``bootstrap upscale``."""

    out: Path
    model: str
    side: int = 0
    base: str | None = None
    sheet: Path | None = None


def upscale_command(sources: Sequence[Path], options: UpscaleOptions) -> None:
    """Write a copy of each picture; prints a line each. Raises UsageError."""
    refuse_full(options.out)
    pairs = copies_of(sources, options.out)
    upscaler = opened_upscaler(options.model)
    tag, encoders = "", dict[str, Encoder]()
    if options.base:
        shipped = shipped_base(options.base)
        tag, encoders = shipped.upscaled, _encoders(load_panel(shipped.scoring))
    rows, read = [], []
    with marked(options.out):
        done = upscaled_copies(pairs, upscaler, encoders, options.side, tag)
        for (source, copy), one in _said(pairs, done):
            read.append((source, copy, one))
            row = {"file": copy.relative_to(options.out).as_posix(), "sha256": one.sha256, "made_from": source.name}
            rows.append({**row, "retouched": one.told})
        if not rows:
            raise PictureError(f"none of {len(pairs)} pictures can be read", "save them again as PNG")
        write_provenance(options.out, rows)
    if options.sheet:
        _write_sheet(options.sheet, read)
    refused = sum(bool(one.refused) for *_, one in read)
    instead = f", {refused} of them by Lanczos in place of {upscaler.name}" if refused else f" by {upscaler.name}"
    typer.echo(f"{options.out}  {len(rows)} pictures{instead}")


def opened_upscaler(model: str) -> Upscaler:
    """The model, loaded. Raises UsageError."""
    with waiting(f'loading "{model}"'):
        return open_upscaler(model)


def upscale_dataset(folder: Path, upscaler: Upscaler, config: RunConfig) -> None:
    """Enlarge the pictures of a written dataset in their places; captions, index and provenance say so."""
    pictures = pictures_in(folder, levels=None)
    pairs = [(path, path) for path in pictures]
    tag, encoders = config.base.upscaled, dict[str, Encoder]()
    if config.backend != "fake":
        encoders = _encoders(config.panel)
    made = {}
    for (_, copy), one in _said(pairs, upscaled_copies(pairs, upscaler, encoders, tag=tag)):
        made[copy.relative_to(folder).as_posix()] = one
    rows = []
    for row in read_provenance(folder):
        if row["file"] in made:
            one = made[row["file"]]
            row = {**row, "sha256": one.sha256, "retouched": one.told, "caption": _caption(row["caption"], one, tag)}
        rows.append(row)
    write_provenance(folder, rows)
    lines = []
    for line in (folder / INDEX).read_text(encoding="utf-8").splitlines():
        fact = json.loads(line)
        if fact["file_name"] in made:
            one = made[fact["file_name"]]
            fact |= {"text": _caption(fact["text"], one, tag), "retouched": one.told}
        lines.append(json.dumps(fact, ensure_ascii=False) + "\n")
    write_atomic(folder / INDEX, "".join(lines).encode())


def copies_of(sources: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """Each picture with the file of its copy, in the folders below its source; two of one name get two copies.

    Raises UsageError where there is none.
    """
    pairs, taken = list[tuple[Path, Path]](), set[str]()
    for source in sources:
        found = pictures_in(source, levels=None) if source.is_dir() else gather([source])
        for path in found:
            home = out / path.parent.relative_to(source) if source.is_dir() else out
            copy = home / f"{path.stem}.png"
            if str(copy).casefold() in taken:
                copy = home / f"{path.name}-{len(taken)}.png"
            taken.add(str(copy).casefold())
            pairs.append((path, copy))
    if not pairs:
        raise UsageError(f'"{sources[0]}" has no picture', "give picture files, or a folder with them")
    return pairs


def _said(
    pairs: Sequence[tuple[Path, Path]], done: Iterator[tuple[Path, UpscaledFile | PictureError]]
) -> Iterator[tuple[tuple[Path, Path], UpscaledFile]]:
    """What was made, each with its line; what cannot be read only has a line."""
    for pair, (_, one) in zip(pairs, done, strict=True):
        if isinstance(one, PictureError):
            typer.echo(f"note: {one_line(str(one))}", err=True)
            continue
        typer.echo(one_line(one.sentence), err=bool(one.refused))
        yield pair, one


def _caption(text: str, one: UpscaledFile, tag: str) -> str:
    return tagged(text, tag) if tag and one.by_model else text


def _encoders(panel: PanelConfig) -> dict[str, Encoder]:
    """The encoders of a panel that judge identity; none, with a line, where it is not on this machine."""
    from bootstrap.cli.check_many import panel_models_of
    from bootstrap.panel.availability import missing_models
    from bootstrap.retouch.upscale_guard import identity_encoders

    if missing_models(panel):
        typer.echo("note: the panel is not on this machine: only pixels are compared with the originals", err=True)
        return {}
    with waiting("loading the panel"):
        return identity_encoders(panel_models_of(panel), panel)


def _write_sheet(path: Path, read: Sequence[tuple[Path, Path, UpscaledFile]]) -> None:
    """Each picture before and after."""
    images, labels = list[Image.Image](), list[str]()
    for source, copy, one in read:
        images += [open_picture(source, 1)[0], open_picture(copy, 1)[0]]
        labels += [source.name, "by Lanczos" if one.refused else f"by {one.model}"]
    write_image(path, contact_sheet(images, COLUMNS, labels))
    typer.echo(f"sheet {path}", err=True)
