"""Likeness by colours alone: an encoder that needs no model, for a panel whose models are not on this machine.

Pictures of the same colours in the same shares are alike, wherever in the picture they are. It tells palettes apart,
neither shapes nor faces, and reads no word.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from scoring.features import Vectors

__all__ = ["COLORS", "ColorHistograms"]

COLORS = "colors"
"""The name of this encoder, in place of a CLIP model's."""
LEVELS = 6
"""Levels of each channel: 6 to the third, 216 colours."""
SIDE = 64
"""Pixels of the reduced picture that is counted."""


class ColorHistograms:
    """Unit vectors, the roots of the shares of 216 colours: their cosine is the Bhattacharyya coefficient (1943)."""

    fingerprint = "color-histograms"
    scale = 0.0

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Shape (n, 216)."""
        rows = np.zeros((len(images), LEVELS**3), np.float32)
        for row, image in zip(rows, images, strict=True):
            small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
            levels = np.asarray(small, np.int64) * LEVELS // 256
            colors = levels @ np.array([LEVELS**2, LEVELS, 1])
            row[:] = np.sqrt(np.bincount(colors.ravel(), minlength=LEVELS**3) / colors.size)
        return rows

    def embed_words(self, phrases: Sequence[str]) -> Vectors:
        """The same vector for every phrase: none leads."""
        rows = np.zeros((len(phrases), LEVELS**3), np.float32)
        rows[:, 0] = 1
        return rows
