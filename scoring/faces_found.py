"""Faces that were found, kept by picture digest: no picture runs twice through the same detector.

Knows no detector: what was found is handed in. Knows no disk layout either: the caller names a directory, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.features import Vectors, folder_of, read_shards, write_shard
from scoring.measurement import Picture

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A detected face: box in fractions of the picture, short side in pixels of the picture as the detector saw it,
    detector's score 0..1, yaw in degrees (0 facing the viewer, NaN where it cannot be told), unit embedding (d,) or
    None."""

    box: Box
    short_side: float
    det_score: float
    yaw: float
    embedding: Vectors | None


class FaceFinder(Protocol):
    """Finds the faces in pictures: an insightface pack, or a detector alone."""

    @property
    def fingerprint(self) -> str:
        """Changes when other faces would be found."""

    @property
    def min_det_score(self) -> float:
        """Certainty, 0..1, from which a face counts."""

    @property
    def embeds(self) -> bool:
        """Whether it tells the yaw of a face and embeds it; a detector alone does neither."""

    def look(self, pictures: Sequence[Picture]) -> None:
        """Find the faces of pictures together."""

    def faces(self, picture: Picture) -> list[FoundFace]:
        """The faces of a picture, the largest first."""


class FoundFaces:
    """Picture digest → its faces, in memory and, where a directory is named, in shards across processes.

    Args:
        directory: where shards are read and added; None keeps them in memory only.
        key: what found them; another model or setting has another shelf.
    """

    def __init__(self, directory: Path | None, key: str) -> None:
        self._folder = folder_of(directory, key)
        self._faces: dict[str, list[FoundFace]] = {}
        for shard in read_shards(self._folder, _COLUMNS):
            self._faces.update(_faces_of(shard))

    def __contains__(self, digest: str) -> bool:
        return digest in self._faces

    def __getitem__(self, digest: str) -> list[FoundFace]:
        return self._faces[digest]

    def look(self, pictures: Sequence[Picture], find: Callable[[Image.Image], list[FoundFace]]) -> None:
        """Find the faces of pictures not seen before, and keep them together, one shard a batch.

        ``find`` is given RGB.
        """
        missing = {picture.digest: picture.image for picture in pictures if picture.digest not in self}
        self.add({digest: find(image.convert("RGB")) for digest, image in missing.items()})

    def add(self, new: Mapping[str, Sequence[FoundFace]]) -> None:
        """Remember what was found in some pictures; also that nothing was."""
        self._faces.update({digest: list(faces) for digest, faces in new.items()})
        if self._folder and new:
            write_shard(self._folder, list(new), _columns(new))


_COLUMNS = ("digests", "owners", "numbers", "embedded", "embeddings")


def _columns(new: Mapping[str, Sequence[FoundFace]]) -> dict[str, NDArray[np.generic]]:
    """Faces as arrays: whose each is (owner), box, size, score and yaw (numbers), and its embedding, if it has one."""
    faces = [(owner, face) for owner, found in enumerate(new.values()) for face in found]
    rows = [face.embedding for _, face in faces if face.embedding is not None]
    return {
        "owners": np.array([owner for owner, _ in faces], np.int64),
        "numbers": np.array([(*f.box, f.short_side, f.det_score, f.yaw) for _, f in faces], np.float64).reshape(-1, 7),
        "embedded": np.array([face.embedding is not None for _, face in faces], np.bool_),
        "embeddings": np.stack(rows) if rows else np.zeros((0, 0), np.float32),
    }


def _faces_of(shard: Mapping[str, NDArray[np.generic]]) -> dict[str, list[FoundFace]]:
    digests = [str(digest) for digest in shard["digests"]]
    found: dict[str, list[FoundFace]] = {digest: [] for digest in digests}
    rows = iter(np.asarray(shard["embeddings"], np.float32))
    for owner, numbers, embedded in zip(shard["owners"], shard["numbers"], shard["embedded"], strict=True):
        left, top, right, bottom, side, score, yaw = np.asarray(numbers, np.float64).tolist()
        face = FoundFace((left, top, right, bottom), side, score, yaw, next(rows) if embedded else None)
        found[digests[int(owner)]].append(face)
    return found
