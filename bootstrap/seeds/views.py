"""Seed files: which pictures are the seeds, and the views of the character that are in each.

Knows no character, no caption and no model: files and pixels only.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bootstrap.errors import SeedError
from bootstrap.pictures import as_rgb, pictures_in, unread_pictures, unread_sentence
from bootstrap.pictures.file_names import comparable
from bootstrap.records import Box
from bootstrap.seeds.alpha import subject_of, with_alpha
from bootstrap.seeds.comic_panels import panels
from bootstrap.seeds.cut_offs import intact_part
from bootstrap.seeds.figures import figures, subject
from bootstrap.store.near_files import or_near

__all__ = [
    "ALONE", "INTACT", "MOST_GIVEN", "MOST_PICTURES", "MOST_SEEDS", "SUBJECT", "UPSCALED", "View", "enlarged_view",
    "gather", "part_of", "parts_in", "upscaled_name", "views_in",
]  # fmt: skip

MOST_SEEDS = 4
"""Seeds that identity is judged against; of more pictures so many are chosen, and the others only train."""
MOST_PICTURES = 100
"""Pictures of one character that are taken at most; guides to LoRAs by hand end there too."""
MOST_GIVEN = 1000
"""Pictures that can be given: the best of them are taken."""
SUBJECT = "-subject.png"
"""End of the name of a seed that was cropped to its subject."""
INTACT = "-intact.png"
"""End of the name of a seed that was cropped where what it shows is cut off or framed."""
ALONE = "-alone.png"
"""End of the name of a seed that was cropped to the character, out of a picture of several."""

UPSCALED = "-upscaled.png"
"""End of the name of a seed that a model enlarged or restored."""


@dataclass(frozen=True)
class View:
    """A picture that shows the character once: a seed, or figure ``number`` (from 1; 0: no sheet) of a sheet.

    ``data`` are the bytes of the file ``name``.
    """

    name: str
    image: Image.Image
    data: bytes
    number: int


def gather(sources: Sequence[Path], most: int = MOST_GIVEN) -> list[Path]:
    """The picture files among files or folders, sorted within a folder. Raises SeedError unless 1 to ``most``."""
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            found += pictures_in(source)
        elif named := _named(source):
            found.append(named)
        else:
            hint = or_near(source, f"give 1 to {most} picture files, or a folder with them")
            raise SeedError(f'no such picture "{source}"', hint)
    if not 1 <= len(found) <= most:
        where = ", ".join(f'"{source}"' for source in sources[:MOST_SEEDS]) or "no file"
        where += ", …" if len(sources) > MOST_SEEDS else ""
        hint = f"give 1 to {most} pictures of one character"
        unread = [path for source in sources for path in unread_pictures(source) if not found]
        if unread:
            hint = f"{unread_sentence(unread)}: save them as PNG"
        raise SeedError(f"{where}: {len(found)} pictures found", hint)
    return found


def _named(path: Path) -> Path | None:
    """The file of such a name, in whatever form its letters are stored; None where there is none."""
    if path.exists():
        return path
    try:
        beside = sorted(path.parent.iterdir())
    except OSError:
        return None
    return next((other for other in beside if comparable(other.name) == comparable(path.name)), None)


def parts_in(image: Image.Image, mask: Image.Image | None) -> list[tuple[int, int, int, int]]:
    """Boxes (pixels) of the figures of a sheet, or of the panels of a comic page; none for any other picture."""
    return figures(image, mask=mask) or panels(image)


def views_in(
    image: Image.Image, data: bytes, stem: str, suffix: str, *, whole: bool, figures: bool = True
) -> list[View]:
    """The views of an opened seed: itself, its subject where the ground around it is wide, or each figure of a sheet
    and panel of a comic page.

    Bars at the edges of a picture, and what lies beyond a straight cut through a figure, are cropped away. What is cut
    is a PNG of its own. ``stem`` and ``suffix`` name the file; ``whole`` says that the picture is known to
    be one view. Without ``figures``, as in pictures of places, nothing is cut.
    """
    mask = subject_of(data, image.size)
    boxes = parts_in(image, mask) if figures and not whole else []
    if boxes:
        return [_cut(image, mask, box, f"{stem}-{number}.png", number) for number, box in enumerate(boxes, 1)]
    if figures and (box := subject(image, mask=mask)):
        return [_cut(image, mask, box, f"{stem}{SUBJECT}", 0)]
    if figures and (box := intact_part(image)):
        return [_cut(image, mask, box, f"{stem}{INTACT}", 0)]
    return [View(f"{stem}{suffix}", image, data, 0)]


def part_of(view: View, box: Box) -> View:
    """A part of a view, in fractions, as a PNG of its own."""
    edges = [round(edge * side) for edge, side in zip(box, view.image.size * 2, strict=True)]
    mask, name = subject_of(view.data, view.image.size), f"{view.name.rpartition('.')[0]}{ALONE}"
    return _cut(view.image, mask, (edges[0], edges[1], edges[2], edges[3]), name, view.number)


def upscaled_name(view: View) -> str:
    """The name of the file of a view that a model enlarges."""
    return f"{view.name.rpartition('.')[0]}{UPSCALED}"


def enlarged_view(view: View, image: Image.Image) -> View:
    """A view as ``image``, which was made of it, as a PNG of its own, transparent where it was."""
    box = (0, 0, *image.size)
    mask = subject_of(view.data, view.image.size)
    if mask is not None:
        mask = mask.resize(image.size, Image.Resampling.LANCZOS)
    return _cut(image, mask, box, upscaled_name(view), view.number)


def _cut(image: Image.Image, mask: Image.Image | None, box: tuple[int, int, int, int], name: str, number: int) -> View:
    """A part of a picture as a PNG, transparent where the picture was."""
    part = image.crop(box)
    if mask is None:
        return View(name, part, _png(part), number)
    clear = with_alpha(part, mask.crop(box))
    return View(name, as_rgb(clear), _png(clear), number)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
