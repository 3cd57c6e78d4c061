"""Parts of a seed and altered copies of it: what people cut by hand out of the one picture that they have.

Where parts stand follows from the head; whether the head was found is asked elsewhere. Knows no file and no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image, ImageOps

from bootstrap.config.seed_cuts import Part, SeedCutsConfig
from bootstrap.pictures import square
from bootstrap.records import Box
from bootstrap.seeds.cuts import ALTERED_TAGS, Composition, Cut, few, sized

__all__ = ["EYES", "TAGS", "MoreCuts", "altered"]

TAGS: Mapping[Part, str] = {
    "eyes": "eye focus",
    "hair": "hair focus",
    "body": "head out of frame",
    "left": "out of frame",
    "right": "out of frame",
}
"""What a caption calls each part, in booru tags."""

FEWEST = 0.5
"""A part with fewer of the wanted pixels than this is left out: it would be enlarged to more than twice its size."""
MOST = 0.95
"""A part of at least this share of the picture is the picture."""
TURN = 6.0
"""Degrees by which a copy is turned, counterclockwise."""
TURNED = 0.9
"""Share of a side that is left of a turned copy, whose corners would be empty: 1 / (cos + sin) of `TURN`."""
TALL = 0.75
"""Width over height of a tall copy; sd-scripts' bucket of 896x1152 is nearest."""
SEPIA = ("#26180c", "#ffecc8")
"""Colours of black and of white in a copy of one colour."""
SECTION = 0.6
"""Side of a section, in shares of the picture: neighbours share a third."""
PLACES = ((0.3, 0.3), (0.7, 0.7), (0.7, 0.3), (0.3, 0.7), (0.5, 0.5))
"""Middles of sections, in the order in which they are cut."""
OF_HEAD = ("eye_color", "expression", "mark", "ears", "hat", "hair_color", "hair_style")
"""Axes that a picture without its head does not show."""
OF_BODY = ("bottom", "tail", "top", "pose", "outfit")
"""Axes that a picture of a head alone does not show."""
OF_FRONT = ("eyes", "body")
"""Parts that are not cut out where no eyes are seen: from behind the hair hides the body."""
EYES = "eye_color"
"""The axis that a view hides where there are no eyes to be seen."""


@dataclass(frozen=True)
class MoreCuts:
    """Makes what the settings of a base want, as pictures of ``side`` pixels, or of that area."""

    config: SeedCutsConfig
    composition: Composition
    side: int

    def of(self, image: Image.Image, framing: str, head: Box | None, hidden: frozenset[str]) -> list[Cut]:
        """The parts of a seed that are large enough, then its altered copies but the greyscale one.

        ``head`` is where its head stands in the square around it, None where that is not known: then no part can be
        cut. ``hidden`` are the axes that its view hides.
        """
        whole = square(image)
        parts = [*self._parts(whole, framing, head, hidden), *self._sections(whole)]
        return [*parts, *self._copies(whole, framing, head)]

    def _parts(self, whole: Image.Image, framing: str, head: Box | None, hidden: frozenset[str]) -> list[Cut]:
        if head is None:
            return []
        closest = next(iter(self.composition), "")
        x, top, size = (head[0] + head[2]) / 2, head[1], max(head[2] - head[0], head[3] - head[1])
        rest = min(1 - head[3], 3 * size)
        windows = {
            "eyes": (_around(x, top + 0.6 * size, 0.75 * size), closest, (*OF_BODY, "ears", "hat")),
            "hair": (_around(x, top + 0.35 * size, 1.1 * size), closest, OF_BODY),
            "body": (_around(x, head[3] + rest / 2, rest), framing, OF_HEAD),
            "left": (_around(x - 0.5 * size, top + 0.9 * size, 1.4 * size), framing, ()),
            "right": (_around(x + 0.5 * size, top + 0.9 * size, 1.4 * size), framing, ()),
        }
        found = []
        for part in self.config.parts:
            box, target, hides = windows[part]
            share = box[2] - box[0]
            if share * whole.width < FEWEST * self.side or share >= MOST or (part in OF_FRONT and EYES in hidden):
                continue
            enlarged = few(whole, self.side, box)
            image = sized(whole, self.side, box)
            found.append(Cut(image, "crop", target, (TAGS[part],), enlarged, hides=hides, composed=False))
        return found

    def _sections(self, whole: Image.Image) -> list[Cut]:
        """Sections of a place or a thing that have enough pixels."""
        closest, found = next(iter(self.composition), ""), []
        for x, y in PLACES[: self.config.sections]:
            box = _around(x, y, SECTION)
            if SECTION * whole.width >= FEWEST * self.side:
                image, enlarged = sized(whole, self.side, box), few(whole, self.side, box)
                found.append(Cut(image, "crop", closest, enlarged=enlarged, composed=False))
        return found

    def _copies(self, whole: Image.Image, framing: str, head: Box | None) -> list[Cut]:
        plain = Cut(sized(whole, self.side), "altered", framing, enlarged=few(whole, self.side))
        found = []
        if "aspect" in self.config.altered and (head is None or head[2] - head[0] < TALL):
            found.append(replace(plain, image=self._tall(whole, head), composed=False))
        if "sepia" in self.config.altered:
            found.append(altered(plain, "sepia"))
        if "rotation" in self.config.altered:
            found.append(replace(plain, image=_turned(whole, self.side), extra=(ALTERED_TAGS["rotation"],)))
        return found

    def _tall(self, whole: Image.Image, head: Box | None) -> Image.Image:
        """An upright cut of the whole height around the head, of the area of a square of ``side``."""
        middle = (head[0] + head[2]) / 2 if head else 0.5
        left = min(max(0.0, middle - TALL / 2), 1 - TALL)
        size = (round(self.side * TALL**0.5), round(self.side / TALL**0.5))
        box = (left * whole.width, 0, (left + TALL) * whole.width, whole.height)
        return whole.resize(size, Image.Resampling.LANCZOS, box=box)


def altered(cut: Cut, how: Literal["greyscale", "sepia", "rotation"]) -> Cut:
    """A copy of a cut, of the same size, named in its tags: without its colours, in one colour, or turned a little."""
    if how == "rotation":
        turned = _turned(cut.image, cut.image.width)
        return replace(cut, image=turned, kind="altered", extra=(*cut.extra, ALTERED_TAGS[how]))
    grey = ImageOps.grayscale(cut.image)
    if how == "sepia":
        grey = ImageOps.colorize(grey, *SEPIA)
    extra = (*cut.extra, ALTERED_TAGS[how])
    return replace(cut, image=grey.convert("RGB"), kind="altered", extra=extra, recolored=True)


def _turned(image: Image.Image, side: int) -> Image.Image:
    """A square picture turned a little, cut so that no corner is empty."""
    return sized(image.rotate(TURN, Image.Resampling.BICUBIC), side, _around(0.5, 0.5, TURNED))


def _around(x: float, y: float, size: float) -> Box:
    """The square window around a point, in fractions."""
    return (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
