"""What may be repaired in a picture, with where and why; and the repaired copy. Pixels only: no model looks.

Proposed are crops, to where nothing is cut off or framed and to what is drawn, and regions to cover: lettering near an
edge. What a person marks can be covered too; what somebody else beside a character needs is told by
`bootstrap.retouch.second_person`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from bootstrap.records import Box
from bootstrap.retouch.covering import covered
from bootstrap.seeds.cut_offs import intact_part
from bootstrap.seeds.figures import subject
from scoring.marks import edge_lettering

__all__ = ["Cover", "Repair", "proposed_repairs", "repaired"]

MARGIN = 0.4
"""Share of the height of a row of letters by which its region is larger on each side: their edges are soft."""
MOST_ROWS = 3
"""Rows of lettering that are looked for, one after the other."""
Cover = Callable[[Image.Image, Box], Image.Image]
"""What covers a region (fractions) of a picture."""


@dataclass(frozen=True)
class Repair:
    """A crop to ``box``, or a region ``box`` to cover (fractions of the picture), and why, in words."""

    edit: Literal["crop", "cover"]
    box: Box
    why: str


def proposed_repairs(image: Image.Image) -> list[Repair]:
    """What may be repaired: regions to cover first, then a crop, each in fractions of the picture as it is."""
    found, left = list[Repair](), image.convert("RGB")
    for _ in range(MOST_ROWS):
        row = edge_lettering(left)
        if row is None:
            break
        box = _widened(row.box, left)
        found.append(Repair("cover", box, f"lettering at the {row.place}"))
        left = with_cover(left, box)
    for find, why in ((intact_part, "bars, or a figure that is cut off"), (subject, "mostly plain ground")):
        if part := find(left):
            edges = [edge / side for edge, side in zip(part, image.size * 2, strict=True)]
            found.append(Repair("crop", (edges[0], edges[1], edges[2], edges[3]), why))
            break
    return found


def repaired(image: Image.Image, repairs: Sequence[Repair], cover: Cover | None = None) -> Image.Image:
    """A copy with regions covered, then cropped; without ``cover`` regions are filled from the pixels around them."""
    copy = image.convert("RGB")
    for one in repairs:
        if one.edit == "cover":
            copy = (cover or with_cover)(copy, one.box)
    for one in repairs:
        if one.edit == "crop":
            return copy.crop(_pixels(one.box, copy))
    return copy


def with_cover(image: Image.Image, box: Box) -> Image.Image:
    """A copy with a region filled smoothly from the pixels around it."""
    return covered(image, _pixels(box, image))


def _pixels(box: Box, image: Image.Image) -> tuple[int, int, int, int]:
    """A box in pixels, at least one wide and high."""
    edges = [round(edge * side) for edge, side in zip(box, image.size * 2, strict=True)]
    left, top = min(edges[0], image.width - 1), min(edges[1], image.height - 1)
    return left, top, max(edges[2], left + 1), max(edges[3], top + 1)


def _widened(box: Box, image: Image.Image) -> Box:
    """A row of letters with its margin."""
    down = MARGIN * (box[3] - box[1])
    across = down * image.height / image.width
    return max(0.0, box[0] - across), max(0.0, box[1] - down), min(1.0, box[2] + across), min(1.0, box[3] + down)
