"""How sharp a picture is at the size at which it is trained on. Knows no run: pixels only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.seeds.cuts import FEW

__all__ = ["BLURRED", "sharpness"]

BLURRED = 0.45
"""Sharpness below which a picture is blurred. Puppets in all styles, drawn at 96 to 512 pixels, have .65 to 1; blurred
by a Gaussian of 1 pixel .40 to .55, of 1.5 pixels .34 to .45, of 2 pixels .31 to .41."""
LEAST_SIDE = 256
"""Pixels at which a picture is judged at least: a small base does not make a blurred picture a good one."""
REACH = 4
"""Pixels over which an edge rises."""
STRONG = 0.5
"""Edges that rise by less than this share of the strongest one do not count: fog, soft shadows."""
SHARPEST = 75
"""Percentile of the edges that decides: a subject in focus before a soft ground is sharp."""


def sharpness(image: Image.Image, side: int) -> float:
    """How much of the rise of its strong edges over 4 pixels is one single step: .25 (blurred) to 1.

    The picture is reduced first to what ``side``, the base's in pixels, needs at least.
    """
    grey, needed = image.convert("L"), max(LEAST_SIDE, round(FEW * side))
    grey.thumbnail((needed, needed), Image.Resampling.LANCZOS)
    levels = np.asarray(grey, np.float32)
    rises, steps = (np.concatenate(parts) for parts in zip(_edges(levels), _edges(levels.T), strict=True))
    strong = rises >= max(1.0, STRONG * float(rises.max()))
    return float(np.percentile(steps[strong] / rises[strong], SHARPEST)) if strong.any() else 0.0


def _edges(levels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The rise over `REACH` pixels along each row, and the largest single step within it; both flat."""
    rises = np.abs(levels[:, REACH:] - levels[:, :-REACH])
    single = np.abs(np.diff(levels, axis=1))
    parts = [single[:, start : start + rises.shape[1]] for start in range(REACH)]
    return rises.ravel(), np.max(parts, axis=0).ravel()
