"""Pictures of one colour and an encoder that sees only colours: enough to test scorers without a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from scoring.measurement import Picture, digest_of

COLORS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


class ColorEncoder:
    """Embeds the mean colour; knows words that contain a colour's name. Counts the images it embedded."""

    fingerprint = "color-1"
    scale = 10.0

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        self.seen += len(images)
        rows = np.stack([np.asarray(im.convert("RGB"), np.float32).mean(axis=(0, 1)) for im in images])
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    def embed_words(self, phrases: Sequence[str]) -> np.ndarray:
        return np.array([[float(name in phrase) for name in COLORS] for phrase in phrases], np.float32)


def picture(top, bottom=None, view_family="front", framing="full body", size=48, **asked):
    """A picture whose upper half (the head) and lower half (the body) have these colours."""
    image = Image.new("RGB", (size, size), COLORS.get(bottom or top, bottom or top))
    image.paste(Image.new("RGB", (size, size // 2), COLORS.get(top, top)), (0, 0))
    return Picture(image, digest_of(image), view_family, framing, asked)


def noise(seed, size=48, **facts):
    """A picture of grey noise; another one for each seed."""
    pixels = np.random.default_rng(seed).integers(40, 220, (size, size, 3), np.uint8)
    image = Image.fromarray(pixels)
    return Picture(image, digest_of(image), facts.get("view_family", "front"), facts.get("framing", "full body"))


@pytest.fixture
def encoder():
    return ColorEncoder()


@pytest.fixture
def paint():
    return picture


@pytest.fixture
def grain():
    return noise
