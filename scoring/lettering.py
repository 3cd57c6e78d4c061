"""Lettering in a picture: rows of small strokes of one height and colour, as watermarks and signatures have them.

Pixels only: no model reads the words. It finds printed words and web addresses, opaque or half transparent; a sign
without letters, and a signature of one unbroken stroke, it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Lettering", "lettering"]

Box = tuple[float, float, float, float]

LOOKED_AT = 768
"""Longest side in pixels at which letters are looked for; smaller pictures are enlarged to it."""
HEIGHTS = (0.011, 0.075)
"""Height of a letter over the longest side, at least and at most."""
CONTRAST = 14
"""Levels of grey (0-255) by which a stroke differs from what is around it."""
THIN = 0.42
"""Width of a stroke over the height of its letter, at most: windows and patches are thicker."""
FILL = (0.12, 0.82)
"""Share of its box that a letter fills."""
LEVEL, APART = 0.35, 1.3
"""How far the middles of neighbouring letters stand apart, down and across, over their height, at most."""
EVEN = 1.7
"""Largest over smallest height of the letters of a row."""
FEWEST = 5
"""Letters that are a row of lettering."""
TONE = 26
"""Levels of grey by which letters of one row differ from each other at most: their colour is one."""


@dataclass(frozen=True)
class Lettering:
    """A row of letters: how many, and where, in fractions of the picture."""

    letters: int
    box: Box

    @property
    def place(self) -> str:
        """Where it stands, in words: "lower right"."""
        x, y = (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2
        down = ("upper", "middle", "lower")[min(2, int(3 * y))]
        across = ("left", "middle", "right")[min(2, int(3 * x))]
        return down if across == "middle" else f"{down} {across}"


def lettering(image: Image.Image) -> Lettering | None:
    """The longest row of letters in a picture; None where none has `FEWEST`."""
    import cv2

    scale = LOOKED_AT / max(image.size)
    size = (max(8, round(image.width * scale)), max(8, round(image.height * scale)))
    grey = np.asarray(image.convert("L").resize(size, Image.Resampling.BICUBIC))
    found: list[Lettering] = []
    for reach in (9, 19):  # strokes thinner than this are letters: small ones, and large ones
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        for how in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            strokes = cv2.morphologyEx(grey, how, kernel) > CONTRAST
            _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes.astype(np.uint8), connectivity=8)
            rows = _rows(_letters(stats[1:], labels, grey, strokes))
            found += [Lettering(len(row), _hull(row, size)) for row in rows]
    return max(found, key=lambda one: one.letters, default=None)


def _letters(
    stats: NDArray[np.int32], labels: NDArray[np.int32], grey: NDArray[np.uint8], strokes: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Left, top, width, height and tone of what may be a letter, shape (n, 5), from left to right."""
    least, most = (share * LOOKED_AT for share in HEIGHTS)
    found = []
    for number, (left, top, width, height, area) in enumerate(stats.tolist(), 1):
        if not (least <= height <= most and width <= 1.6 * height and area >= 6):
            continue
        part = labels[top : top + height, left : left + width] == number
        edge = part & ~_inner(part)
        thick = 2 * area / max(1, int(edge.sum()))
        if (
            FILL[0] <= area / (width * height)
            and thick <= THIN * height
            and (area / (width * height) <= FILL[1] or width < 0.4 * height)
        ):
            tone = float(np.median(grey[top : top + height, left : left + width][part]))
            found.append((left, top, width, height, tone))
    rows = np.array(sorted(found), np.float64).reshape(-1, 5)
    return rows


def _inner(part: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a shape that have it at all four sides."""
    wide = np.pad(part, 1)
    return wide[1:-1, 1:-1] & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]


def _rows(letters: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Letters side by side at one level, of like height and tone; rows of `FEWEST` and more."""
    rows: list[list[NDArray[np.float64]]] = []
    for letter in letters:
        left, top, _, height, tone = letter
        for row in rows:
            before = row[-1]
            tall = max(height, before[3])
            gap = left - (before[0] + before[2])
            level = abs((top + height) - (before[1] + before[3]))
            heights = [one[3] for one in row] + [height]
            near = -0.3 * tall <= gap <= APART * tall and level <= LEVEL * tall
            if near and max(heights) <= EVEN * min(heights) and abs(tone - np.median([one[4] for one in row])) <= TONE:
                row.append(letter)
                break
        else:
            rows.append([letter])
    return [np.stack(row) for row in rows if len(row) >= FEWEST and _differ(np.stack(row))]


def _differ(row: NDArray[np.float64]) -> bool:
    """Whether the letters of a row differ in width or distance: those of a pattern are all the same."""
    widths, gaps = row[:, 2] / row[:, 3], np.diff(row[:, 0]) / row[:, 3].mean()
    return bool(widths.std() > 0.08 and gaps.std() > 0.04)


def _hull(row: NDArray[np.float64], size: tuple[int, int]) -> Box:
    left, top = row[:, 0].min() / size[0], row[:, 1].min() / size[1]
    right, bottom = (row[:, 0] + row[:, 2]).max() / size[0], (row[:, 1] + row[:, 3]).max() / size[1]
    return float(left), float(top), float(right), float(bottom)
