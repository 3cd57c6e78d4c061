"""Sheets: one picture with several figures on a plain ground, separated by the gutters between them.

Only background-coloured gutters divide; figures that touch stay together. On transparent ground the transparency says
what is drawn, and pale figures are no ground. Knows no character and no model: pixels only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["figures", "outline", "subject"]

Box = tuple[int, int, int, int]
Mask = NDArray[np.bool_]

LOOKED_AT = 512
"""Longest side in pixels at which gutters are looked for."""
GROUND_SPREAD = 32
"""Largest difference of a channel (0-255) from the ground's colour that still is ground; JPEG needs some."""
PLAIN_BORDER = 0.85
"""Share of the border that has the ground's colour on a plain ground."""
GUTTER = 0.015
"""Narrowest gutter, as a fraction of the longest side: narrower ones run through hair and between legs."""
DIRT = 0.003
"""Share of a gutter's line that may be something: dust, JPEG."""
LEAST_AREA = 0.2
"""A figure's box is at least this fraction of the largest one's: less is a caption, a swatch, a flying thing."""
LEAST_DRAWN = 0.1
"""As much of it is drawn, as a fraction of the most: less is a moon with stars, or dust."""
SLIMMEST = 0.18
"""Shorter over longer side of a figure's box: less is a staff or a line."""
MAJOR = 0.3
"""Rows of less than this fraction of the tallest one's height are titles and captions."""
SAME = 1.25
"""Rows are figures above one another when their heights differ by no more than this factor."""
ALIKE = 1.6
"""Heads above one another differ by no more than this factor, and are that compact."""
MARGIN = 0.04
"""Ground left around a figure, as a fraction of its longer side."""
WIDE = 0.6
"""A subject whose longer side is a smaller fraction of the picture's is drowned in its ground."""


def figures(image: Image.Image, smallest: int = 64, *, mask: Image.Image | None = None) -> list[Box]:
    """Boxes (left, top, right, bottom; pixels) of the figures of a sheet, in reading order.

    Empty where the picture is no sheet: no plain ground, or fewer than two figures of ``smallest`` pixels a side.
    ``mask`` has the size of the picture and is black where that is transparent; None: it is so nowhere.
    """
    drawn, scale = _drawn(image, mask)
    if drawn is None:
        return []
    boxes = list(_divided(drawn, (0, 0, drawn.shape[1], drawn.shape[0])))
    if not boxes:
        return []
    largest, tallest = max(map(_area, boxes)), max(_height(box) for box in boxes)
    most = max(_ink(drawn, box) for box in boxes)
    found = [box for box in boxes if _area(box) >= LEAST_AREA * largest and _slimness(box) >= SLIMMEST]
    found = [box for box in found if _ink(drawn, box) >= LEAST_DRAWN * most]
    found.sort(key=lambda box: (round(box[1] / tallest), box[0]))
    full = [_enlarged(box, scale, found, image.size) for box in found]
    large = [box for box in full if min(_width(box), _height(box)) >= smallest]
    return large if len(large) > 1 else []


def subject(image: Image.Image, smallest: int = 64, *, mask: Image.Image | None = None) -> Box | None:
    """Box (pixels) of what is drawn on a plain ground, where there is too much of the ground; else None.

    ``mask`` is that of `figures`.
    """
    drawn, scale = _drawn(image, mask)
    if drawn is None:
        return None
    columns = list(_pieces(drawn, (0, 0, drawn.shape[1], drawn.shape[0]), axis=1))
    if not columns:
        return None
    box = _hull(columns)
    if max(_width(box), _height(box)) >= WIDE * max(drawn.shape):
        return None
    full = _enlarged(box, scale, [], image.size)
    return full if min(_width(full), _height(full)) >= smallest else None


def outline(image: Image.Image, *, mask: Image.Image | None = None) -> Mask | None:
    """Where something is drawn on a plain ground, (height, width), scaled down to `LOOKED_AT`; None on any other.

    ``mask`` is that of `figures`.
    """
    return _drawn(image, mask)[0]


def _drawn(image: Image.Image, mask: Image.Image | None) -> tuple[Mask | None, float]:
    """Where something is drawn, (height, width), None without a plain ground; and at what scale."""
    scale = min(1.0, LOOKED_AT / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if mask is not None:
        opaque: Mask = np.asarray(mask.convert("L").resize(size)) > GROUND_SPREAD
        if (~_border(opaque)).mean() >= PLAIN_BORDER:
            return opaque, scale
    pixels = np.asarray(image.convert("RGB").resize(size), np.int16)
    border = _border(pixels)
    ground = np.median(border, axis=0)
    if (np.abs(border - ground).max(axis=1) <= GROUND_SPREAD).mean() < PLAIN_BORDER:
        return None, scale
    drawn: Mask = np.abs(pixels - ground).max(axis=2) > GROUND_SPREAD
    return drawn, scale


def _border(pixels: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels of (height, width, ...), corners twice."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _divided(drawn: Mask, box: Box) -> Iterator[Box]:
    """The figures of a box, side by side first."""
    for column in _pieces(drawn, box, axis=1):
        yield from _unstacked(drawn, column)


def _unstacked(drawn: Mask, box: Box) -> Iterator[Box]:
    """The figures above one another in a box; rows that are no figures of their own are parts of one."""
    rows = list(_pieces(drawn, box, axis=0))
    tallest = max(_height(row) for row in rows)
    major = [row for row in rows if _height(row) >= MAJOR * tallest]
    if len(rows) > 1 and len(major) == 1 and len(list(_pieces(drawn, major[0], axis=1))) > 1:
        yield from _divided(drawn, major[0])  # a title bridged the gutters
    elif len(major) > 1 and _of_a_kind(drawn, major):
        for row in major:
            yield from _divided(drawn, row)
    else:
        yield _hull(rows)


def _of_a_kind(drawn: Mask, rows: list[Box]) -> bool:
    """Whether rows are figures of their own: alike in size, tall ones more so, and divided by gutters alike.

    A head and the legs below a white shirt on white ground are neither.
    """
    widths, heights = [_width(row) for row in rows], [_height(row) for row in rows]
    divided = [len(list(_pieces(drawn, row, axis=1))) > 1 for row in rows]
    if any(divided):
        return all(divided) and max(heights) <= SAME * min(heights)
    compact = all(1 / ALIKE <= width / height <= ALIKE for width, height in zip(widths, heights, strict=True))
    most = ALIKE if compact else SAME
    return max(heights) <= most * min(heights) and max(widths) <= ALIKE * min(widths)


def _pieces(drawn: Mask, box: Box, axis: int) -> Iterator[Box]:
    """The parts of a box between its gutters: across rows (axis 0) or columns (axis 1), trimmed to what is drawn."""
    left, top, right, bottom = box
    inside = drawn[top:bottom, left:right]
    filled = inside.mean(axis=1 - axis) > DIRT
    least = max(2, round(GUTTER * max(drawn.shape)))
    for start, end in _runs(filled, least):
        part = (left, top + start, right, top + end) if axis == 0 else (left + start, top, left + end, bottom)
        if trimmed := _trimmed(drawn, part):
            yield trimmed


def _runs(filled: Mask, least: int) -> list[tuple[int, int]]:
    """Stretches of filled lines, those closer than ``least`` joined."""
    found: list[tuple[int, int]] = []
    for place in np.flatnonzero(filled).tolist():
        if found and place - found[-1][1] < least:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


def _trimmed(drawn: Mask, box: Box) -> Box | None:
    left, top, right, bottom = box
    inside = drawn[top:bottom, left:right]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    return (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)


def _hull(boxes: list[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def _width(box: Box) -> int:
    return box[2] - box[0]


def _height(box: Box) -> int:
    return box[3] - box[1]


def _area(box: Box) -> int:
    return _width(box) * _height(box)


def _ink(drawn: Mask, box: Box) -> int:
    """How many pixels of a box are drawn."""
    left, top, right, bottom = box
    return int(drawn[top:bottom, left:right].sum())


def _slimness(box: Box) -> float:
    """The shorter over the longer side."""
    return min(_width(box), _height(box)) / max(_width(box), _height(box))


def _enlarged(box: Box, scale: float, others: list[Box], size: tuple[int, int]) -> Box:
    """The box in pixels of the picture, with some ground around it, but nothing of its neighbours."""
    margin = MARGIN * max(_width(box), _height(box))
    left, top, right, bottom = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
    for other in others:
        if other == box:
            continue
        beside = other[1] < bottom and other[3] > top
        if beside and other[2] <= box[0]:
            left = max(left, other[2])
        elif beside and other[0] >= box[2]:
            right = min(right, other[0])
        elif other[0] < right and other[2] > left and other[3] <= box[1]:
            top = max(top, other[3])
        elif other[0] < right and other[2] > left and other[1] >= box[3]:
            bottom = min(bottom, other[1])
    edges = [max(0, round(edge / scale)) for edge in (left, top, right, bottom)]
    return (edges[0], edges[1], min(size[0], edges[2]), min(size[1], edges[3]))
