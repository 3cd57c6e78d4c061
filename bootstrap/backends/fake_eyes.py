"""Eyes without a model: pictures are told apart by the colours in them, words say nothing.

The panel's other half of the fake backend, for tests of the loop and for trying the commands. Every check that reads
words passes with margin 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from bootstrap.judges import Eyes
from scoring.features import Features, Vectors

__all__ = ["ColorEncoder", "fake_eyes"]

SIDE = 4


class ColorEncoder:
    """Unit vectors of a 4x4 colour thumbnail; words are one and the same vector."""

    fingerprint = "fake-colors-4x4"
    scale = 0.0

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Shape (n, 49)."""
        rows = [
            np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX), np.float32).ravel() / 127.5 - 1
            for image in images
        ]
        return _units(np.stack([np.append(row, 0.5) for row in rows]))

    def embed_words(self, phrases: Sequence[str]) -> Vectors:
        """The same vector for every phrase."""
        return _units(np.ones((len(phrases), 3 * SIDE * SIDE + 1), np.float32))


def fake_eyes() -> Eyes:
    """Eyes for the fake backend: no faces, and no axis can be read."""
    return Eyes(ColorEncoder(), Features(None), None, margin=1.0)


def _units(rows: np.ndarray) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
