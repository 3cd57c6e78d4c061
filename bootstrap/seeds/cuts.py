"""Cuts: one seed as several training pictures, tighter framings and an altered copy.

Knows no file and no model: where the head stands is given by the panel's composition, or by a face that was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from bootstrap.config.seed_cuts import Altered
from bootstrap.pictures import square
from bootstrap.records import Box

__all__ = ["ALTERED_TAGS", "Composition", "Cut", "cuts", "few", "reframed", "sized", "window"]

ALTERED_TAGS: Mapping[Altered, str] = {"greyscale": "monochrome", "sepia": "sepia", "rotation": "dutch angle"}
"""What a caption calls each altered copy, in booru tags; one of another shape needs no tag."""

FEW = 0.75
"""A picture with fewer of the wanted pixels than this is blurred by enlarging: 768 of 1024 are still good."""
Composition = Mapping[str, Mapping[str, Box]]
"""Framing, from the tightest to the widest → crop name → where it stands in a picture of that framing."""


@dataclass(frozen=True)
class Cut:
    """A seed, a crop of it, or an altered copy; ``extra`` tags say what was done to it.

    ``enlarged``: it had far fewer pixels than it has now; ``recolored``: its colours are not the seed's; ``hides`` are
    axes that a part of a seed does not show. A part, and a copy of another shape, is nowhere near its ``framing``'s
    composition: then ``composed`` is false.
    """

    image: Image.Image
    kind: str
    framing: str
    extra: tuple[str, ...] = ()
    enlarged: bool = False
    recolored: bool = False
    hides: tuple[str, ...] = ()
    composed: bool = True


def cuts(image: Image.Image, framing: str, composition: Composition, side: int, head: Box | None = None) -> list[Cut]:
    """One seed as several training pictures of ``side`` pixels: whole, tighter framings, and a greyscale copy.

    ``head`` is where the head stands in the square around the picture; None: where the framing usually has it.
    """
    whole = square(image)
    found = [Cut(sized(whole, side), "seed", framing, enlarged=few(whole, side))]
    stands = head or composition.get(framing, {}).get("head")
    targets = _tighter(framing, composition, everything=head is not None)
    windows = {one: reframed(stands, composition[one]["head"]) for one in targets} if stands else {}
    for target, box in windows.items():
        if box[2] - box[0] < 0.95 and (head or (min(box[:2]) > -0.05 and max(box[2:]) < 1.05)):
            found.append(Cut(sized(whole, side, box), "crop", target, enlarged=few(whole, side, box)))
    grey = ImageOps.grayscale(found[0].image).convert("RGB")
    tags = (ALTERED_TAGS["greyscale"],)
    return [*found, Cut(grey, "altered", framing, tags, enlarged=found[0].enlarged, recolored=True)]


def _tighter(framing: str, composition: Composition, *, everything: bool) -> list[str]:
    """The framings before this one; all of them for one that the composition does not know, if ``everything``.

    One in which no head stands is left out.
    """
    framings = [name for name, boxes in composition.items() if "head" in boxes or name == framing]
    if framing in composition:
        return framings[: framings.index(framing)]
    return framings if everything else []


def few(whole: Image.Image, side: int, box: Box = (0, 0, 1, 1)) -> bool:
    """Whether a window of a square picture has far fewer than ``side`` pixels."""
    return min(1.0, box[2] - box[0]) * whole.width < FEW * side


def reframed(head: Box, wanted: Box) -> Box:
    """The window in which the head stands as the wanted framing has it."""
    scale = (head[2] - head[0]) / (wanted[2] - wanted[0])
    left, top = head[0] - wanted[0] * scale, head[1] - wanted[1] * scale
    return (left, top, left + scale, top + scale)


def sized(image: Image.Image, side: int, box: Box = (0, 0, 1, 1)) -> Image.Image:
    """A window of a square picture (fractions; moved inside) at ``side`` pixels."""
    width = min(1.0, box[2] - box[0])
    left, top = (min(max(0.0, edge), 1 - width) for edge in box[:2])
    left, top, width = left * image.width, top * image.width, width * image.width
    return image.resize((side, side), Image.Resampling.LANCZOS, box=(left, top, left + width, top + width))


def window(image: Image.Image, box: Box, side: int) -> Image.Image:
    """A window of a square picture (fractions) at ``side`` pixels; beyond the picture in the colours of its edges."""
    margin = image.width
    padded = np.pad(np.asarray(image.convert("RGB")), ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    left, top, right, bottom = (edge * image.width + margin for edge in box)
    return Image.fromarray(padded).resize((side, side), Image.Resampling.LANCZOS, box=(left, top, right, bottom))
