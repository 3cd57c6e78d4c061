"""A region of a picture filled smoothly from the pixels around it. Knows no model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["covered"]


def covered(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """The picture with a region filled smoothly from the pixels around it (a Coons patch between its four edges)."""
    left, top, right, bottom = box
    pixels = np.asarray(image, np.float32)
    x0, y0 = max(0, left - 1), max(0, top - 1)
    x1, y1 = min(image.width - 1, right), min(image.height - 1, bottom)
    across = np.linspace(0, 1, right - left, dtype=np.float32)[None, :, None]
    down = np.linspace(0, 1, bottom - top, dtype=np.float32)[:, None, None]
    above, below = pixels[y0, left:right][None], pixels[y1, left:right][None]
    before, after = pixels[top:bottom, x0][:, None], pixels[top:bottom, x1][:, None]
    corners = _mixed(
        _mixed(pixels[y0, x0], pixels[y0, x1], across), _mixed(pixels[y1, x0], pixels[y1, x1], across), down
    )
    patch = _mixed(above, below, down) + _mixed(before, after, across) - corners
    covered = pixels.copy()
    covered[top:bottom, left:right] = patch
    return Image.fromarray(covered.clip(0, 255).round().astype(np.uint8))


def _mixed(one: NDArray[np.float32], other: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """From ``one`` to ``other``, by the share of the other."""
    return one * (1 - share) + other * share
