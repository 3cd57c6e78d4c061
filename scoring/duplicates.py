"""Copies of a seed, and the perceptual hash that finds them. Similarity is bounded from above as well.

Hashes are computed here, embeddings come from the cache. Knows no quota.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image, ImageOps
from pydantic import Field

from scoring.features import Encoder, Features
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture
from scoring.settings import Role, ScorerSettings

BITS = 64


def difference_hash(image: Image.Image) -> int:
    """dHash, 64 bits: is each cell of a 9x8 grey thumbnail brighter than its left neighbour (Krawetz 2013)."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS), np.int16)
    return int("".join("1" if bit else "0" for bit in (grey[:, 1:] > grey[:, :-1]).ravel()), 2)


def bits_apart(a: int, b: int) -> int:
    """In how many of the 64 bits two hashes differ."""
    return (a ^ b).bit_count()


class CopySettings(ScorerSettings):
    """When a frame is a copy of a seed."""

    kind: Literal["copy"] = "copy"
    role: Role = "check"
    most: float = Field(0.98, gt=0, le=1)
    """Whole-picture similarity to a seed above which a frame is a copy of it."""
    most_bits: int = Field(3, ge=0, le=64)
    """Bits of a 64-bit perceptual hash up to which a frame is a copy as well."""


class CopyOfSeed:
    """Is the picture a copy of a seed, or of its mirror image? ``most`` − the highest cosine; ≥ 0 is no copy.

    Args:
        encoder: an image encoder (whole pictures: a copy copies the background and the pose too).
        references: the seeds.
        features: the cache of embeddings.
        most: cosine above which a picture is a copy (SynCD drops pairs above 0.98).
        most_bits: a picture whose hash differs from a seed's in at most so many bits is a copy as well.
    """

    Settings = CopySettings

    def __init__(
        self,
        encoder: Encoder,
        references: Sequence[Picture],
        features: Features,
        most: float = 0.98,
        most_bits: int = 3,
        name: str = "copy",
    ) -> None:
        self.name = name
        self._encoder, self._features, self._most, self._bits = encoder, features, most, most_bits
        self._references = tuple(references)
        digests = "".join(sorted(p.digest for p in references)) + f"{most}:{most_bits}"
        self.fingerprint = f"{encoder.fingerprint}:{hashlib.sha256(digests.encode()).hexdigest()[:12]}"
        both = [image for p in references for image in (p.image, ImageOps.mirror(p.image))]
        self._hashes = [difference_hash(image) for image in both]

    @classmethod
    def make(cls, name: str, settings: CopySettings, materials: Materials) -> CopyOfSeed:
        """Copies of the seeds and of their crops, in CLIP's space."""
        seeds, features = materials.references, materials.features
        return cls(materials.clip, seeds, features, settings.most, settings.most_bits, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The distance of each picture from being a copy."""
        if not pictures or not self._references:
            return [Measurement(self._most) for _ in pictures]
        seeds = self._features.vectors(self._encoder, self._references)
        flipped = self._features.vectors(
            self._encoder, self._references, "mirrored", lambda picture: ImageOps.mirror(picture.image)
        )
        vectors = self._features.vectors(self._encoder, pictures)
        plain, mirrored = (vectors @ seeds.T).max(axis=1), (vectors @ flipped.T).max(axis=1)
        return [
            self._measure(picture, float(straight), float(turned))
            for picture, straight, turned in zip(pictures, plain, mirrored, strict=True)
        ]

    def _measure(self, picture: Picture, straight: float, turned: float) -> Measurement:
        hashed = difference_hash(picture.image)
        nearest = min(bits_apart(hashed, other) for other in self._hashes)
        value = self._most - max(straight, turned)
        if nearest <= self._bits:
            value = min(value, (nearest - self._bits - 1) / BITS)
        if value >= 0:
            return Measurement(value)
        return Measurement(value, "mirrored copy of a seed" if turned > straight else "copy of a seed")
