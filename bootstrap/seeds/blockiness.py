"""How strongly a picture shows the blocks of JPEG compression, also one that was saved again or resized. Pixels only.

Small steps that no neighbour shares stand in a lattice of 8 pixels, or of another width where the picture was resized.
What was reduced to less than 3/4 of its size shows no blocks any more. Pixel art has a lattice too, of its strong
edges: it is told apart by these.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["COMPRESSED", "blockiness"]

COMPRESSED = 0.004
"""Blockiness from which a picture shows strong compression. Of 16 puppets and clouds of noise at 512 pixels, 16 have it
at quality 10, 14 at 30, 10 at 50, 1 at 75; of 120 that were never compressed none has .0026. White noise hides blocks.
"""
STEP = (4.0, 30.0)
"""Levels of grey (0-255) of the step between two blocks; less is hardly seen, and more is an edge of the drawing."""
ALONE = 1.6
"""How many times as large as its neighbours such a step is, at least."""
WIDTHS = np.arange(6.0, 24.01, 0.125)
"""Widths of a block that are tried, in pixels: 8, from 3/4 to 3 times."""
EDGE, ALIGNED, MANY = 40.0, 0.5, 0.3
"""Levels of a strong edge; the share of them in one lattice, and their number over that of the small steps, from which
a picture is pixel art."""
USUAL = 512
"""Pixels of the side from which chance no longer counts: in a smaller picture fewer steps look more like a lattice."""
SMALLEST = 128
"""Shorter side in pixels of what is looked at: less has too few blocks."""
LOOKED_AT = 1024
"""Longest side in pixels of the part, from the middle, in which blocks are looked for."""


def blockiness(image: Image.Image) -> float:
    """How much more often steps of blocks stand in one lattice than between, in both directions; 0 (none) to about .1.

    Of a picture of one colour, and of pixel art, 0.
    """
    grey = image.convert("L")
    left, top = (max(0, (edge - LOOKED_AT) // 2) for edge in grey.size)
    part = grey.crop((left, top, left + min(grey.width, LOOKED_AT), top + min(grey.height, LOOKED_AT)))
    levels = np.asarray(part, np.float32)
    if min(levels.shape) < SMALLEST:
        return 0.0
    found = [_lattices(one) for one in (levels, levels.T)]
    both = np.minimum(found[0][0], found[1][0])
    best = int(both.argmax())
    aligned = max(edges[best] for _, edges in found)
    return 0.0 if aligned > ALIGNED else float(both[best]) * min(1.0, math.sqrt(min(levels.shape) / USUAL))


def _lattices(levels: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each of `WIDTHS`: how strongly small steps along the rows stand in such a lattice, and which share of strong
    edges does."""
    steps = np.abs(np.diff(levels, axis=1))
    middle, beside = steps[:, 1:-1], np.maximum(steps[:, :-2], steps[:, 2:])
    small = (middle >= STEP[0]) & (middle <= STEP[1]) & (middle > ALONE * beside + 0.5)
    columns = small.mean(axis=0)
    columns = np.minimum(columns, np.median(columns) + 0.5)
    edges = (middle > EDGE).sum(axis=0).astype(np.float64)
    places, count = np.arange(len(columns)), len(columns)
    waves = [np.exp(-2j * np.pi * harmonic * np.outer(1 / WIDTHS, places)) for harmonic in (1, 2)]
    strength = np.minimum(*(np.abs(wave @ (columns - columns.mean())) / count for wave in waves))
    many = float(edges.sum()) > MANY * float(small.sum())
    return strength, many * np.abs(waves[0] @ edges) / max(1.0, float(edges.sum()))
