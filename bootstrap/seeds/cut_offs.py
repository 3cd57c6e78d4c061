"""Where a figure is cut off inside a picture: by bars of one colour, or straight above plain ground below it.

Cropped there, the picture ends where the figure does, and nothing shows a cut through a body: a full body that ends at
its knees becomes the picture of the body above them. Knows no character and no model: pixels only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.seeds.emptiness import nothing_drawn
from bootstrap.seeds.figures import DIRT, GROUND_SPREAD, LOOKED_AT, PLAIN_BORDER

__all__ = ["intact_part"]

Box = tuple[int, int, int, int]

NARROWEST, WIDEST = 0.015, 0.6
"""A bar, or the ground beside a cut, as a fraction of the side across it, at least and at most."""
NEAR = 0.06
"""How far behind its edge a figure is looked at, as a fraction of the side across it."""
STRAIGHT = 0.8
"""Share of what is drawn near the edge that begins at the edge itself: a foot or a hem is round, a cut is straight."""
LONG = 0.12
"""The longest stretch of a cut through a figure over the picture's width, at least: less is a sole or a staff."""
FRAME = 0.6
"""The same for a bar's edge."""
SMALLEST = 256
"""Pixels of a side from which a straight line is told from a round one."""


def intact_part(image: Image.Image) -> Box | None:
    """Box (left, top, right, bottom; pixels) of a picture without what lies beyond straight cuts; None without one."""
    if min(image.size) < SMALLEST:
        return None
    scale = min(1.0, LOOKED_AT / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX), np.int16)
    across = pixels.swapaxes(0, 1)
    top, bottom, left, right = _bars((pixels, pixels[::-1], across, across[::-1]))
    if not bottom and _is_plain(pixels):
        bottom = _beyond(pixels[::-1], LONG)
    if not (top or bottom or left or right):
        return None
    last, lowest = image.width - math.ceil(right / scale), image.height - math.ceil(bottom / scale)
    inner = (math.ceil(left / scale), math.ceil(top / scale), last, lowest)
    if inner[0] >= inner[2] or inner[1] >= inner[3] or nothing_drawn(image.crop(inner)):
        return None
    return inner


def _bars(sides: Sequence[NDArray[np.int16]]) -> list[int]:
    """How many lines of each side, seen from its edge, are a bar; 0 where no other side has one of its colour.

    A sky ends straight too; but where a picture is set into a ground, that shows on two sides or more.
    """
    found = [_beyond(lines, FRAME) for lines in sides]
    bars = list[int]()
    for place, (count, lines) in enumerate(zip(found, sides, strict=True)):
        others = [side for other, side in enumerate(sides) if other != place and found[other]]
        bars.append(count * any(_alike(lines[0], side[0]) for side in others))
    return bars


def _beyond(lines: NDArray[np.int16], least: float) -> int:
    """How many lines of (n, m, 3), from the first on, lie beyond a straight cut; 0 where there is none so long.

    ``least`` is its longest stretch over the length of a line.
    """
    count, length = lines.shape[:2]
    drawn = np.abs(lines - np.median(lines[0], axis=0).astype(np.int16)).max(axis=2) > GROUND_SPREAD
    shown = np.flatnonzero(drawn.mean(axis=1) > DIRT)
    if not len(shown):
        return 0
    first = int(shown[0])
    if not NARROWEST * count <= first <= WIDEST * count:
        return 0
    edge = drawn[min(first + 1, count - 1)]
    near = drawn[first : first + max(2, round(NEAR * count))].any(axis=0)
    straight = edge.sum() >= STRAIGHT * near.sum() and _longest(edge) >= least * length
    return first + 1 if straight else 0


def _longest(line: NDArray[np.bool_]) -> int:
    """The longest stretch of what is drawn in a line, in pixels."""
    gaps = np.flatnonzero(~np.concatenate([[False], line, [False]]))
    return int(np.diff(gaps).max()) - 1


def _is_plain(pixels: NDArray[np.int16]) -> bool:
    """Whether most of the border of (height, width, 3) has one colour."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    apart = np.abs(border - np.median(border, axis=0)).max(axis=1)
    return bool((apart <= GROUND_SPREAD).mean() >= PLAIN_BORDER)


def _alike(one: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    """Whether two lines have one colour."""
    return bool(np.abs(np.median(one, axis=0) - np.median(other, axis=0)).max() <= GROUND_SPREAD)
