"""Blank, blurred, burnt: what makes a picture useless whoever it shows. Plain numpy on pixels.

Limits are relative to the reference pictures (a sketch is not a blurred photograph); knows no subject and no model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from scoring.materials import Materials
from scoring.measurement import Measurement, Picture
from scoring.settings import Role, ScorerSettings

TILES = 4
"""Sharpness is read in TILES x TILES tiles; the 90th percentile counts: a sharp subject before a soft background."""


class DefectsSettings(ScorerSettings):
    """How much worse than the worst seed a picture may be."""

    kind: Literal["defects"] = "defects"
    role: Role = "check"
    softest: float = Field(0.2, gt=0, le=1)
    """Least sharpness, as a fraction of the least sharp seed's."""
    flattest: float = Field(0.35, gt=0, le=1)
    """Least contrast, as a fraction of the flattest seed's."""
    burnt: float = Field(0.35, ge=0, le=1)
    """Share of black or white pixels that may be added to the seeds' largest."""


class Defects:
    """Sharpness, contrast and burnt-out areas against the references; value ≥ 0 is fine.

    The value is the smallest of: log2(sharpness / (least reference's · ``softest``)), log2(contrast / (least
    reference's · ``flattest``)), and (``burnt`` − share of pixels at pure black or white beyond the references' most)
    · 10. ``why`` names what fails.

    Args:
        references: seeds, or the base's own pictures; they set what is normal.
        softest: least sharpness as a fraction of the least sharp reference (a Gaussian blur of 1.5 pixels takes away
            nine tenths; LoRA dataset studio's blur limits).
        flattest: least contrast as a fraction of the flattest reference.
        burnt: share of black or white pixels that may be added to the references' most.
    """

    Settings = DefectsSettings

    def __init__(
        self,
        references: Sequence[Picture],
        softest: float = 0.2,
        flattest: float = 0.35,
        burnt: float = 0.35,
        name: str = "defects",
    ) -> None:
        self.name = name
        if not references:
            raise ValueError("defects: no reference pictures; give at least one seed")
        stats = [_statistics(picture.image) for picture in references]
        self._sharpness = max(min(s[0] for s in stats) * softest, 1e-3)
        self._contrast = max(min(s[1] for s in stats) * flattest, 1e-3)
        self._burnt = min(1.0, max(s[2] for s in stats) + burnt)
        settings = repr((self._sharpness, self._contrast, self._burnt))
        self.fingerprint = f"defects:{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    @classmethod
    def make(cls, name: str, settings: DefectsSettings, materials: Materials) -> Defects:
        """Limits by the seeds."""
        return cls(materials.references, settings.softest, settings.flattest, settings.burnt, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """How far each picture is from the nearest limit."""
        return [self._measure(picture.image) for picture in pictures]

    def _measure(self, image: Image.Image) -> Measurement:
        sharpness, contrast, burnt = _statistics(image)
        reserve = {
            "blurred": float(np.log2(max(sharpness, 1e-6) / self._sharpness)),
            "flat": float(np.log2(max(contrast, 1e-6) / self._contrast)),
            "burnt out": (self._burnt - burnt) * 10,
        }
        return Measurement(min(reserve.values()), ", ".join(name for name, value in reserve.items() if value < 0))


def _statistics(image: Image.Image) -> tuple[float, float, float]:
    """Sharpness (variance of the Laplacian, 90th percentile of tiles), contrast (deviation of grey), burnt share."""
    grey = np.asarray(image.convert("L"), np.float64)
    burnt = float(((grey <= 1) | (grey >= 254)).mean())
    return sharpness_of(grey), float(grey.std()), burnt


def sharpness_of(grey: NDArray[np.float64]) -> float:
    """90th percentile over tiles of the variance of the Laplacian; grey is (h, w) in 0..255."""
    inner = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    tiles = [tile.var() for rows in np.array_split(inner, TILES) for tile in np.array_split(rows, TILES, axis=1)]
    return float(np.percentile(tiles, 90))
