"""Is it the same character? Crops of a picture against the same crops of the seeds, in an encoder's space.

References are the seeds, and in their own view family pictures that a person approved. Knows no threshold: raw cosines
are ranked in `scoring.calibrate`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import Field

from scoring.crops import CROPS, Crops
from scoring.features import Encoder, Features, Vectors
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.settings import Role, ScorerSettings

Crop = Literal["whole", "head", "body"]
"""A part of a picture that is compared with the same part of the seeds."""


class CropIdentity:
    """Cosine with the references, head with head and body with body: the mean over crops of the best reference.

    The value is in −1..1. Not applicable when the picture's framing shares no crop with any reference.

    Args:
        encoder: of images: CLIP, CCIP (trained on characters), DINOv2 (shapes).
        references: the seeds.
        crops: where head and body stand.
        features: the cache of embeddings.
        name: the key of its measurements.
        use: the crops that are compared.
        approved: further references, each for pictures of its own view family, itself left out.
    """

    def __init__(
        self,
        encoder: Encoder,
        references: Sequence[Picture],
        crops: Crops,
        features: Features,
        name: str = "clip",
        use: Sequence[str] = CROPS,
        approved: Sequence[Picture] = (),
    ) -> None:
        if not references:
            raise ValueError(f"{name}: no reference pictures; give at least one seed")
        self.name = name
        self._encoder = encoder
        self._crops = crops.with_whole() if "whole" in use else crops
        self._features = features
        self._use = tuple(use)
        self._references, self._approved = tuple(references), tuple(approved)
        digests = "".join(sorted(p.digest + p.framing for p in references))
        joined = "".join(sorted(p.digest + p.framing + p.view_family for p in approved))
        settings = f"{self._crops.fingerprint}{self._use}{digests}{joined}"
        self.fingerprint = f"{encoder.fingerprint}:{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """One cosine for each picture; its reason says whether the head was cut around its face."""
        found: list[list[float]] = [[] for _ in pictures]
        for crop in self._use:
            where, vectors = self.embeddings(pictures, crop)
            best = self._best([pictures[place] for place in where], vectors, crop)
            for place, value in zip(where, best, strict=True):
                if np.isfinite(value):
                    found[place].append(float(value))
        return [
            Measurement(float(np.mean(values)), self._how(picture))
            if values
            else not_applicable(f"no crop of '{picture.framing}' to compare with the seeds")
            for picture, values in zip(pictures, found, strict=True)
        ]

    def _best(self, pictures: Sequence[Picture], vectors: Vectors, crop: str) -> Vectors:
        """Each picture's similarity to its closest reference, −inf where none shows the crop; shape (pictures,)."""
        best = np.full(len(pictures), -np.inf, np.float32)
        shown, rows = self.embeddings(self._references, crop)
        if shown and pictures:
            best = (vectors @ rows.T).max(axis=1)
        among, more = self.embeddings(self._approved, crop)
        if among and pictures:
            seen = np.array([[self._may_compare(one, self._approved[i]) for i in among] for one in pictures])
            best = np.maximum(best, np.where(seen, vectors @ more.T, -np.inf).max(axis=1))
        return best

    @staticmethod
    def _may_compare(picture: Picture, approved: Picture) -> bool:
        return picture.view_family == approved.view_family and picture.digest != approved.digest

    def embeddings(self, pictures: Sequence[Picture], crop: str) -> tuple[list[int], Vectors]:
        """Places of the pictures that show ``crop``, and its unit vectors, shape (places, d)."""
        self._crops.look(pictures)
        where = [i for i, picture in enumerate(pictures) if self._crops.place(picture, crop)]
        rows = np.zeros((len(where), 0), np.float32)
        for key in dict.fromkeys(self._crops.key(pictures[i], crop) for i in where):
            group = [n for n, i in enumerate(where) if self._crops.key(pictures[i], crop) == key]
            part = self._features.vectors(
                self._encoder, [pictures[where[n]] for n in group], key, lambda p: self._cut(p, crop)
            )
            if not rows.shape[1]:
                rows = np.zeros((len(where), part.shape[1]), np.float32)
            rows[group] = part
        return where, rows

    def _how(self, picture: Picture) -> str:
        return "head cut by its face" if "head" in self._use and self._crops.found(picture) else ""

    def _cut(self, picture: Picture, crop: str) -> Image.Image:
        return self._crops.cut(picture, crop) or picture.image


class ClipIdentitySettings(ScorerSettings):
    """Which crops CLIP compares with the seeds'."""

    kind: Literal["clip"] = "clip"
    role: Role = "identity"
    crops: tuple[Crop, ...] = Field(("head", "body"), min_length=1)
    """What is compared with the same of the seeds."""


class ClipIdentity(CropIdentity):
    """How alike head and body are to the seeds', by the panel's CLIP, which learned from pictures with captions."""

    Settings = ClipIdentitySettings

    @classmethod
    def make(cls, name: str, settings: ClipIdentitySettings, materials: Materials) -> ClipIdentity:
        """In the space of the shared CLIP model."""
        m = materials
        return cls(m.clip, m.references, m.crops, m.features, name, settings.crops, m.approved)
