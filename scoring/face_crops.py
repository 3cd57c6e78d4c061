"""Faces that a detector found, embedded as crops by an encoder that knows more pictures than faces.

For drawings there is a detector of faces but no recogniser: what knows drawn characters (CCIP) or pictures at large
(CLIP, DINOv2) embeds the face instead. Knows no seed and judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from scoring.faces_found import Box, FaceFinder, FoundFace
from scoring.features import Encoder, Features
from scoring.measurement import Picture

__all__ = ["FaceCrops"]


class FaceCrops:
    """The faces of a detector, the largest with the embedding of its crop; a `scoring.faces_found.FaceFinder`.

    Args:
        finder: finds the faces.
        encoder: embeds the crop.
        features: the cache of embeddings.
        margin: side of the square crop over the longer side of the face's box, 1 or more.
    """

    embeds = True
    """The largest face of a picture has an embedding."""

    def __init__(self, finder: FaceFinder, encoder: Encoder, features: Features, margin: float) -> None:
        self._finder, self._encoder, self._features, self._margin = finder, encoder, features, margin
        self._key = f"face:{finder.fingerprint}:{margin}"
        self.fingerprint = f"{self._key}:{encoder.fingerprint}"

    @property
    def min_det_score(self) -> float:
        """Certainty from which a face counts."""
        return self._finder.min_det_score

    def look(self, pictures: Sequence[Picture]) -> None:
        """Find and embed the faces of pictures together."""
        self._finder.look(pictures)
        shown = [picture for picture in pictures if self._finder.faces(picture)]
        self._features.vectors(self._encoder, shown, self._key, self._cut)

    def faces(self, picture: Picture) -> list[FoundFace]:
        """The faces of a picture, the largest first, which alone is embedded."""
        found = self._finder.faces(picture)
        if not found:
            return []
        row = self._features.vectors(self._encoder, [picture], self._key, self._cut)[0]
        return [replace(found[0], embedding=row), *found[1:]]

    def _cut(self, picture: Picture) -> Image.Image:
        """The square around the largest face, moved into the picture where it would leave it."""
        whole = picture.image.convert("RGB")
        return whole.crop(_square(self._finder.faces(picture)[0].box, whole.size, self._margin))


def _square(face: Box, size: tuple[int, int], margin: float) -> tuple[int, int, int, int]:
    """The square of a face in pixels of a picture of that ``size``; at most as large as the picture."""
    left, top, right, bottom = face[0] * size[0], face[1] * size[1], face[2] * size[0], face[3] * size[1]
    side = min(max(1, round(margin * max(right - left, bottom - top))), *size)
    x = min(max(0, round((left + right - side) / 2)), size[0] - side)
    y = min(max(0, round((top + bottom - side) / 2)), size[1] - side)
    return x, y, x + side, y + side
