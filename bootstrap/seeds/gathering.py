"""Pictures as they are given, each with what becomes of it, and each figure of a sheet. Loads no model.

Pictures are opened one after another, so that hundreds of large ones fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bootstrap.errors import PictureError, SeedError
from bootstrap.pictures import open_picture
from bootstrap.seeds.alpha import subject_of
from bootstrap.seeds.checks import names_of
from bootstrap.seeds.sifting import LOOKED_AT, Given, Sifted, Sifter
from bootstrap.seeds.views import INTACT, MOST_SEEDS, View, part_of, parts_in, views_in

__all__ = ["GatheredPicture", "are_compared", "sort_out", "view_of"]

MOST_NAMED = 3
CROPPED = "is cropped to where it is neither cut off nor framed"


@dataclass(frozen=True)
class GatheredPicture:
    """What becomes of a picture, or of figure ``number`` of a sheet (from 1; 0: no sheet).

    ``image`` is what is taken of it, reduced to `LOOKED_AT`; None where it could not be opened.
    """

    path: Path
    name: str
    number: int
    image: Image.Image | None
    sifted: Sifted

    @property
    def taken(self) -> bool:
        """Whether it is taken, and not set aside."""
        return not self.sifted.reason


def are_compared(pictures: Sequence[Path], whole: Callable[[Path], bool]) -> bool:
    """Whether pictures are sorted out: they are more than can anchor, or there is a sheet among them.

    ``whole`` says whether a picture is known to be one view. Raises PictureError where one of a few cannot be opened.
    """
    if len(pictures) > MOST_SEEDS:
        return True
    for path in pictures:
        image, data = open_picture(path)
        if not whole(path) and parts_in(image, subject_of(data, image.size)):
            return True
    return False


def sort_out(
    pictures: Sequence[Path], sifter: Sifter, whole: Callable[[Path], bool], described: Callable[[Path, int], bool]
) -> list[GatheredPicture]:
    """What becomes of each picture, in order, and of each figure of a sheet.

    ``whole`` says whether a picture is known to be one view, ``described`` whether a person wrote that it shows the
    character; of a few, each that is no figure is meant to. Raises SeedError where none can be taken.
    """
    begun, given = [], []
    for name, path in zip(names_of(pictures), pictures, strict=True):
        try:
            image, data = open_picture(path)
        except PictureError as error:
            reason = error.message.replace(f'"{path}" ', "", 1)
            begun.append(GatheredPicture(path, name, 0, None, Sifted(reason)))
            continue
        for view in views_in(image, data, path.stem, path.suffix, whole=whole(path), figures=sifter.figures):
            small = view.image.copy()
            small.thumbnail((LOOKED_AT, LOOKED_AT), Image.Resampling.LANCZOS)
            of_sheet = f"{name}#{view.number}" if view.number else name
            cropped = view.name.endswith(INTACT)
            begun.append(GatheredPicture(path, of_sheet, view.number, small, Sifted(remark=CROPPED if cropped else "")))
            meant = described(path, view.number) or (sifter.few and not view.number)
            given.append(Given(of_sheet, small, view.image.size, meant, cut=view.data is not data))
    sifted = iter(sifter.sift(given))
    found = []
    for one in begun:
        if one.image is None:
            found.append(one)
            continue
        result = next(sifted)
        if one.sifted.remark and not result.reason:
            result = result.remarked(one.sifted.remark)
        image = one.image if result.box is None else Given("", one.image, one.image.size).cropped(result.box).image
        found.append(GatheredPicture(one.path, one.name, one.number, image, result))
    if not any(one.taken for one in found):
        reasons = "; ".join(f'"{one.name}" {one.sifted.reason}' for one in found[:MOST_NAMED])
        raise SeedError(f"none of {len(pictures)} pictures can be taken: {reasons}", "give other pictures")
    return found


def view_of(one: GatheredPicture, stem: str, suffix: str, *, figures: bool = True) -> tuple[View, bytes]:
    """What is taken of a picture, and the bytes of the file that was given.

    ``stem`` and ``suffix`` name the file; ``figures`` as for `views_in`. Raises PictureError where it can no longer be
    opened.
    """
    image, data = open_picture(one.path)
    views = views_in(image, data, stem, suffix, whole=not one.number, figures=figures)
    view = next(view for view in views if view.number == one.number)
    return (part_of(view, one.sifted.box) if one.sifted.box else view), data
