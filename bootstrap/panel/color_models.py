"""A panel's models for the fake backend: pictures are told apart by their colours alone, words by nothing.

For tests of the loop and for trying the commands. Every check that reads words passes with margin 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.panel.models import PanelModels
from scoring.features import Features, Vectors

__all__ = ["ColorEncoder", "fake_panel_models"]

WIDTH = 64
REACH = 60.0
"""Colours this far apart (0-255) have a cosine of about 0.6."""


class ColorEncoder:
    """Unit vectors whose cosine falls with the distance of two mean colours (random Fourier features, Rahimi 2007)."""

    fingerprint = "fake-colors"
    scale = 0.0

    def __init__(self) -> None:
        """Fixed random directions."""
        random = np.random.default_rng(0)
        self._directions = random.normal(size=(3, WIDTH)) / REACH
        self._phases = random.uniform(0, 2 * np.pi, WIDTH)

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Shape (n, 64), of the middle of each picture."""
        small = [np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BOX), float) for image in images]
        colors = np.stack([pixels[2:6, 2:6].mean(axis=(0, 1)) for pixels in small])
        return _units(np.cos(colors @ self._directions + self._phases))

    def embed_words(self, phrases: Sequence[str]) -> Vectors:
        """The same vector for every phrase."""
        return _units(np.ones((len(phrases), WIDTH)))


def fake_panel_models() -> PanelModels:
    """Models for the fake backend: no faces, and no axis can be read."""
    return PanelModels(ColorEncoder(), Features(None), margin=1.0)


def _units(rows: NDArray[np.float64]) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
