"""Comic pages: the panels of a picture, divided by lines or narrow gutters that run across it.

A panel that touches its neighbour is told by the line between them: a straight stretch of one colour through the whole
page, or the whole row, where both panels end along most of its length. What ends elsewhere, such as a figure, makes no
line. Slanted panels are noticed, not taken apart. Knows no character and no model: pixels only.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["SLANTED", "has_slanted_panels", "panels", "unframed", "varied"]

Box = tuple[int, int, int, int]
Pixels = NDArray[np.int16]
Color = NDArray[np.float64]

SLANTED = "is a comic page with slanted panels, which are not taken apart: cut them out"

LOOKED_AT = 768
"""Longest side in pixels at which lines are looked for."""
ONE_COLOR, LINE = 32, 0.97
"""Largest difference of a channel (0-255) in a line of one colour, and the share of its pixels that has it."""
THICKEST = 0.05
"""Widest line or gutter between two panels, as a fraction of the longest side; a wider one is sky or wall."""
NARROWEST = 0.12
"""A panel's shorter side is at least this fraction of the page's longest side: less is a frame, or a caption."""
DRAWN = 0.5
"""Share of a panel's lines, across and down, that are of more than one colour: a band of sky is no panel."""
DRAWN_SPARSELY = 0.2
"""The same between white gutters: a figure on plain ground is a panel there."""
WHITE, FAINT = 240, 12
"""Levels (0-255) from which a gutter is white, and by how many a pale panel beside it differs from it at least."""
BESIDE = 3
"""Pixels beside a stretch in which a panel begins: its frame is thin, and its edge may be blurred."""
ENDING = 0.6
"""Share of a stretch along which the panels at both of its sides end: a figure's edge is not as long and straight."""
SLANTED_AT = 384
"""Longest side in pixels at which slanted lines are looked for."""
SLANT = (0.04, 0.5)
"""Rise of a slanted line over its length, at least and at most: less is straight, more is looked for down the page."""
POINTS, PLAIN = 64, 0.92
"""Places of a slanted line that are looked at, and the share of them that has its colour: pixels have no slant."""
ASIDE = 0.025
"""How far beside a slanted line, as a fraction of the longest side, a parallel one shows the panels."""
APART = 0.75
"""Share of the pixels at each side of a slanted line that have another colour: else it runs through a sky."""
SAMPLE = 96
"""Pixels of a line that say what its colour is."""


def panels(image: Image.Image, smallest: int = 64) -> list[Box]:
    """Boxes (left, top, right, bottom; pixels) of the panels of a comic page, row by row.

    Empty where no line divides the picture, or fewer than two panels have ``smallest`` pixels a side.
    """
    pixels, scale = _reduced(image, LOOKED_AT)
    least = NARROWEST * max(pixels.shape[:2])
    found = []
    for left, top, right, bottom in _divided(pixels, (0, 0, pixels.shape[1], pixels.shape[0]), least):
        box = (round(left / scale), round(top / scale), round(right / scale), round(bottom / scale))
        if min(box[2] - box[0], box[3] - box[1]) >= smallest:
            found.append(box)
    return found if len(found) > 1 else []


def has_slanted_panels(image: Image.Image) -> bool:
    """Whether a slanted line of one colour divides a picture from side to side, or from top to bottom."""
    pixels, _ = _reduced(image, SLANTED_AT)
    left, top, right, bottom = unframed(pixels, (0, 0, pixels.shape[1], pixels.shape[0]))
    inside = pixels[top:bottom, left:right]
    if min(inside.shape[:2]) < 16:
        return False
    return _slanted(inside) or _slanted(inside.swapaxes(0, 1))


def unframed(pixels: Pixels, box: Box) -> Box:
    """A box of a picture (height, width, 3) without the lines of one colour at its edges; empty where all are."""
    while True:
        left, top, right, bottom = box
        part = pixels[top:bottom, left:right]
        rows, columns = np.flatnonzero(varied(part)), np.flatnonzero(varied(part.swapaxes(0, 1)))
        if not len(rows) or not len(columns):
            return (left, top, left, top)
        inner = (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
        if inner == box:
            return box
        box = inner


def varied(pixels: NDArray[Any], share: float = LINE) -> NDArray[np.bool_]:
    """Which lines, the first axis of (n, m, 3), have less than a share of their pixels of one colour."""
    if not pixels.size:
        return np.zeros(len(pixels), bool)
    some = pixels[:, :: max(1, pixels.shape[1] // SAMPLE)]
    color = np.median(some, axis=1).astype(np.int16)
    same = np.ones(pixels.shape[:2], bool)
    for channel in range(pixels.shape[2]):
        same &= np.abs(pixels[:, :, channel] - color[:, None, channel]) <= ONE_COLOR
    return np.asarray(same.mean(axis=1) < share)


def _reduced(image: Image.Image, longest: int) -> tuple[Pixels, float]:
    """Pixels (height, width, 3) of a picture whose longest side is at most so long, and at what scale."""
    scale = min(1.0, longest / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.convert("RGB").resize(size), np.int16), scale


def _divided(pixels: Pixels, box: Box, least: float, gutter: Color | None = None) -> Iterator[Box]:
    """The panels of a box: divided into rows, else side by side, until no line divides them.

    ``gutter`` is the colour of the lines that divided the page before: it has one, and a horizon another.
    """
    box = unframed(pixels, box)
    left, top, right, bottom = box
    inside, longest = pixels[top:bottom, left:right], max(pixels.shape[:2])
    rows, gutter_of_rows = _parts(inside, least, longest, gutter)
    columns, gutter_of_columns = _parts(inside.swapaxes(0, 1), least, longest, gutter) if not rows else ([], None)
    for start, end in rows:
        yield from _divided(pixels, (left, top + start, right, top + end), least, gutter_of_rows)
    for start, end in columns:
        yield from _divided(pixels, (left + start, top, left + end, bottom), least, gutter_of_columns)
    if not rows and not columns:
        yield box


def _parts(
    pixels: Pixels, least: float, longest: int, gutter: Color | None
) -> tuple[list[tuple[int, int]], Color | None]:
    """Where the parts of a box (height, width, 3) between its dividing rows begin and end, and the colour of those.

    None where none divides.
    """
    shown = varied(pixels)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], shown, [True]]).astype(np.int8)))
    found, start = [], 0
    for begin, end in edges.reshape(-1, 2).tolist():  # a stretch of one colour, and where it ends
        far = begin - start >= least and len(shown) - end >= least
        line = _dividing(pixels, begin, end, THICKEST * longest, gutter) if far else None
        if line is not None:
            first, last, gutter = line
            found.append((start, first))
            start = last
    found.append((start, len(shown)))
    sparse = DRAWN_SPARSELY if gutter is not None and gutter.min() >= WHITE else DRAWN
    divided = len(found) > 1 and all(_is_drawn(pixels[begin:end], sparse) for begin, end in found)
    return (found, gutter) if divided else ([], None)


def _dividing(
    pixels: Pixels, begin: int, end: int, thickest: float, gutter: Color | None
) -> tuple[int, int, Color] | None:
    """The line in the rows from begin to end that has another colour beside it along most of it, at both sides, and
    its colour: that of the ``gutter`` if one is known. None without one."""
    colors = np.median(pixels[begin:end], axis=1)
    changes = np.flatnonzero(np.abs(np.diff(colors, axis=0)).max(axis=1) > FAINT) + begin + 1
    edges = [begin, *changes.tolist(), end]  # of frames, of the gutter between them, and of a panel's plain ground
    for first, last in itertools.pairwise(edges):
        color = np.median(pixels[first:last], axis=(0, 1))
        if last - first > thickest or (gutter is not None and np.abs(color - gutter).max() > ONE_COLOR):
            continue
        apart = FAINT if color.min() >= WHITE else ONE_COLOR
        other = [
            (np.abs(beside - color).max(axis=2) > apart).any(axis=0).mean() >= ENDING
            for beside in (pixels[first - BESIDE : first], pixels[last : last + BESIDE])
        ]
        if all(other):
            return first, last, color
    return None


def _is_drawn(pixels: Pixels, least: float) -> bool:
    """Whether something is drawn in so much of a part at least, across and down."""
    return all(varied(lines).mean() >= least for lines in (pixels, pixels.swapaxes(0, 1)))


def _slanted(pixels: Pixels) -> bool:
    """Whether a line of one colour runs slanted from the left edge of (height, width, 3) to the right one."""
    height, width = pixels.shape[:2]
    across = np.linspace(0, width - 1, POINTS).round().astype(int)
    aside = round(ASIDE * max(height, width))
    begin, end = (place.ravel() for place in np.mgrid[0:height, 0:height])
    rise = np.abs(begin - end) / width
    least, most = np.minimum(begin, end), np.maximum(begin, end)
    inside = (rise >= SLANT[0]) & (rise <= SLANT[1]) & (least >= aside) & (most < height - aside)
    begin, end = begin[inside], end[inside]
    for quick in (POINTS // 4, POINTS // 16, 1):  # most lines are not of one colour at their first few places
        down = begin[:, None] + (end - begin)[:, None] * (across[None, ::quick] / (width - 1))
        colors = pixels[down.round().astype(int), across[None, ::quick]]
        plain = (np.ptp(colors, axis=1) <= 3 * ONE_COLOR).all(axis=1) if quick > 1 else ~varied(colors, PLAIN)
        begin, end = begin[plain], end[plain]
    for first, last in zip(begin.tolist(), end.tolist(), strict=True):
        down = np.linspace(first, last, POINTS).round().astype(int)
        color = np.median(pixels[down, across], axis=0)
        beside = np.stack([pixels[down + offset, across] for offset in (-aside, aside)])
        apart = (np.abs(beside - color).max(axis=2) > ONE_COLOR).mean(axis=1)
        if (apart >= APART).all():
            return True
    return False
