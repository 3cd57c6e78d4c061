"""Is it the same place? Parts of a picture against parts of the seeds, wherever they stand in either.

A place is seen from another side, nearer, and with somebody before it: then no whole picture is alike, but most of its
parts are found again. Knows no threshold: raw values are ranked in `scoring.calibrate`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import Field

from scoring.crops import Box
from scoring.features import Encoder, Features, Vectors
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture
from scoring.settings import Role, ScorerSettings
from scoring.texture import TextureEncoder

__all__ = ["PlaceLikeness", "PlaceSettings", "best_parts"]

PART = 32
"""Pixels of a part's side in which its texture is looked at."""
SIZES = (0.34, 0.5)
"""Sides of the windows, in shares of the picture: a part of a seed is as large as a nearer picture shows it."""


class PlaceSettings(ScorerSettings):
    """What compares parts, and how many of them must be found again."""

    kind: Literal["place"] = "place"
    role: Role = "identity"
    reader: Literal["clip", "texture"] = "clip"
    """What embeds a part: the panel's CLIP, or statistics of colours and surface, which need no model."""
    grid: int = Field(3, ge=1, le=6)
    """Parts along a side."""
    share: float = Field(0.7, gt=0, le=1)
    """Share of a picture's parts that count, the most alike first: the others may show who stands before the place."""


class PlaceLikeness:
    """Mean, over the most alike parts of a picture, of the cosine with the most alike part of any seed; −1..1.

    Args:
        encoder: of images.
        references: the seeds.
        features: the cache of embeddings.
        name: the key of its measurements.
        grid: parts along a side.
        share: of the parts that count.
    """

    Settings = PlaceSettings

    def __init__(
        self,
        encoder: Encoder,
        references: Sequence[Picture],
        features: Features,
        name: str = "place",
        grid: int = 3,
        share: float = 0.7,
    ) -> None:
        if not references:
            raise ValueError(f"{name}: no reference pictures; give at least one seed")
        self.name = name
        self._encoder, self._features = encoder, features
        self._references = tuple(references)
        self._grid, self._share = grid, share
        settings = f"{grid}{share}{SIZES}{''.join(sorted(one.digest for one in references))}"
        self.fingerprint = f"{encoder.fingerprint}:{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    @classmethod
    def make(cls, name: str, settings: PlaceSettings, materials: Materials) -> PlaceLikeness:
        """In the space of the shared CLIP model, or of textures."""
        encoder: Encoder = TextureEncoder(PART) if settings.reader == "texture" else materials.clip
        return cls(encoder, materials.references, materials.features, name, settings.grid, settings.share)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """One value for each picture."""
        if not pictures:
            return []
        parts = self._parts(pictures, SIZES[-1])
        known = [self._parts(self._references, size).reshape(-1, parts.shape[2]) for size in SIZES]
        best = best_parts(parts, np.concatenate(known)[None], self._share)
        return [Measurement(float(value)) for value in best]

    def _parts(self, pictures: Sequence[Picture], size: float) -> Vectors:
        """Unit vectors of the windows of each picture, shape (pictures, windows, d)."""
        steps = np.linspace(0, 1 - size, self._grid) if self._grid > 1 else np.array([(1 - size) / 2])
        rows = []
        for top in steps:
            for left in steps:
                box = (float(left), float(top), float(left + size), float(top + size))
                rows.append(self._features.vectors(self._encoder, pictures, f"part:{box}", partial(_cut, box)))
        return np.stack(rows, axis=1)


def best_parts(parts: Vectors, known: Vectors, share: float) -> Vectors:
    """How well the parts of pictures, shape (n, parts, d), are found again among known ones, (m, parts, d).

    For each picture the mean over the ``share`` of its parts that are most alike to any known one, shape (n,).
    """
    best = (parts @ known.reshape(-1, known.shape[2]).T).max(axis=2)
    counted = np.sort(best, axis=1)[:, -max(1, math.ceil(share * parts.shape[1])) :]
    return np.asarray(counted.mean(axis=1), np.float32)


def _cut(box: Box, picture: Picture) -> Image.Image:
    width, height = picture.image.size
    left, top, right, bottom = box
    pixels = (round(left * width), round(top * height), round(right * width), round(bottom * height))
    return picture.image.convert("RGB").crop(pixels)
