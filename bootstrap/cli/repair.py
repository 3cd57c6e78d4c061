"""``bootstrap repair``: repaired copies of pictures for a person to accept, with a sheet of each before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from PIL import Image

from bootstrap.cli.out_folder import marked, refuse_full
from bootstrap.cli.upscale import COLUMNS, copies_of
from bootstrap.dataset.provenance import write_provenance
from bootstrap.errors import PictureError, UsageError
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.plain_output import one_line
from bootstrap.pictures import open_picture
from bootstrap.pictures.sheets import contact_sheet
from bootstrap.records import Box
from bootstrap.retouch.repairs import Cover, Repair, proposed_repairs, repaired
from bootstrap.retouch.second_person import SecondPerson, second_person
from bootstrap.retouch.upscaled_files import copy_captions
from bootstrap.seeds.sifting import Eyes
from bootstrap.store.files import sha256_of, write_image

__all__ = ["RepairOptions", "repair_command"]

SHEET = "before-and-after.png"
UNWANTED = "text, watermark, signature, logo, multiple views"
MARKED = "the region that you marked"


@dataclass(frozen=True)
class RepairOptions:
    """The options of ``bootstrap repair``."""

    out: Path
    regions: Sequence[str] = ()
    base: str | None = None
    crop: bool = True
    sheet: Path | None = None


def repair_command(sources: Sequence[Path], options: RepairOptions) -> None:
    """Write the copies, a line each; a picture with nothing to repair has none. Raises UsageError."""
    refuse_full(options.out)
    marked_by_hand = [Repair("cover", _box(text), MARKED) for text in options.regions]
    eyes = _eyes(options.base) if options.base else None
    found, read = list[tuple[Path, Path, Image.Image, list[Repair]]](), 0
    for source, copy in copies_of(sources, options.out):
        try:
            image, _ = open_picture(source, 1)
        except PictureError as error:
            typer.echo(f"note: {one_line(str(error))}", err=True)
            continue
        read += 1
        beside = second_person(image, eyes) if eyes is not None else SecondPerson()
        if beside.why:
            typer.echo(one_line(f'"{source.name}": {beside.why}'))
        proposed = [*beside.repairs, *proposed_repairs(image)]
        proposed = [one for one in proposed if options.crop or one.edit == "cover"]
        repairs = [*marked_by_hand, *proposed]
        if repairs:
            found.append((source, copy, image, repairs))
        else:
            typer.echo(one_line(f'"{source.name}": nothing to repair'))
    if not read:
        raise PictureError("none of the pictures can be read", "save them again as PNG")
    if found:
        _write(found, options)
    typer.echo(f"{options.out}  {len(found)} of {read} pictures repaired; look at them, and use those that you accept")


def _write(found: Sequence[tuple[Path, Path, Image.Image, list[Repair]]], options: RepairOptions) -> None:
    """Write copies, captions, provenance and the sheet."""
    covers = any(one.edit == "cover" for *_, repairs in found for one in repairs)
    cover = _drawing_cover(options.base) if options.base and covers else None
    by = f" by {options.base}" if options.base else ""
    rows, images, labels = [], list[Image.Image](), list[str]()
    with marked(options.out):
        for source, copy, image, repairs in found:
            made = repaired(image, repairs, cover)
            write_image(copy, made)
            copy_captions(source, copy)
            told = "; ".join(
                f"{'cropped' if one.edit == 'crop' else f'painted over{by}'}: {one.why}" for one in repairs
            )
            typer.echo(one_line(f'"{source.name}" {image.width}x{image.height} to {made.width}x{made.height}: {told}'))
            row = {"file": copy.relative_to(options.out).as_posix(), "sha256": sha256_of(copy)}
            rows.append({**row, "made_from": source.name, "retouched": told})
            images += [image, made]
            labels += [source.name, "repaired"]
        write_provenance(options.out, rows)
        sheet = options.sheet or options.out / SHEET
        write_image(sheet, contact_sheet(images, COLUMNS, labels))
        typer.echo(f"sheet {sheet}", err=True)


def _eyes(name: str) -> Eyes | None:
    """What the panel of a base sees; None, with a line, where nothing on this machine finds faces."""
    from bootstrap.cli.check_many import panel_models_of
    from bootstrap.config import load
    from bootstrap.panel.availability import smaller
    from bootstrap.panel.seed_eyes import PanelEyes

    panel = smaller(load(name).panel)
    if not panel.models.face.pack:
        typer.echo("note: the panel finds no faces here: somebody else in a picture is not looked for", err=True)
        return None
    with waiting("loading the panel"):
        return PanelEyes(panel_models_of(panel), panel)


def _drawing_cover(name: str) -> Cover:
    """What lets a base draw a region anew. Raises ConfigError or BackendError where it cannot be loaded."""
    from bootstrap.cli.which_base import settle_base
    from bootstrap.config import embedded, load
    from bootstrap.runs.run_models import check_base_files

    settle_base(name, ())
    base = load(name, profile="auto").base
    check_base_files(base)
    with waiting(f'loading "{name}"'):
        from bootstrap.backends.loaded import LoadedBase
        from bootstrap.backends.painting_over import painted_over

        loaded = LoadedBase(embedded(base.path), base.sampling)
    negative = ", ".join(filter(None, [base.negative, UNWANTED]))

    def cover(image: Image.Image, box: Box) -> Image.Image:
        return painted_over(loaded, image, box, base.quality, negative)

    return cover


def _box(text: str) -> Box:
    """A region in fractions, of percents with commas between them. Raises UsageError."""
    hint = "give left, top, right and bottom in percent, such as 70,80,100,100"
    try:
        left, top, right, bottom = (float(part) / 100 for part in text.split(","))
    except ValueError:
        raise UsageError(f'--region "{text}" is no region', hint) from None
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise UsageError(f'--region "{text}" is empty or leaves the picture', hint)
    return left, top, right, bottom
