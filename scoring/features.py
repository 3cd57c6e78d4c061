"""Embed once: unit vectors of pictures, remembered by picture digest, model fingerprint and crop.

Knows no model (an `Encoder` is handed in) and no disk layout (the caller names a directory, or none).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.measurement import Picture

Vectors = NDArray[np.float32]
"""Embeddings, shape (n, d), unit length."""


class Encoder(Protocol):
    """Turns images into unit vectors."""

    @property
    def fingerprint(self) -> str:
        """Changes when the weights or the preprocessing change."""

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors, shape (n, d), one for each RGB image, in order."""


class WordEncoder(Encoder, Protocol):
    """An encoder of words as well as of images."""

    @property
    def scale(self) -> float:
        """What cosines are multiplied by before the softmax (exp of the model's logit scale)."""

    def embed_words(self, phrases: Sequence[str]) -> Vectors:
        """Unit vectors of phrases, in the space of the images."""


Vocabulary = Mapping[str, Sequence[str]]
"""Axis (or view family) → the phrases that exclude each other."""


class Features:
    """A cache of embeddings for one process, optionally kept in a directory across processes.

    Args:
        directory: where shards (``.npz``: digests and vectors) are read and added; None keeps them in memory only.
        batch: pictures an encoder sees at once.
    """

    def __init__(self, directory: Path | None = None, batch: int = 64) -> None:
        self._directory = directory
        self._batch = batch
        self._cached: dict[str, dict[str, Vectors]] = {}

    def vectors(
        self,
        encoder: Encoder,
        pictures: Sequence[Picture],
        crop: str = "whole",
        cut: Callable[[Picture], Image.Image] | None = None,
    ) -> Vectors:
        """Embeddings of a crop of each picture, shape (n, d), in order; only the unknown ones are computed.

        Args:
            encoder: what embeds.
            pictures: pictures with distinct or repeated digests.
            crop: name of the crop, part of the key; it must say how the crop was cut.
            cut: gives the crop of a picture; None takes the whole picture.
        """
        cached = self._shelf(f"{encoder.fingerprint}|{crop}")
        missing = list({p.digest: p for p in pictures if p.digest not in cached}.values())
        new: dict[str, Vectors] = {}
        for start in range(0, len(missing), self._batch):
            batch = missing[start : start + self._batch]
            rows = encoder.embed([cut(picture) if cut else picture.image for picture in batch])
            new.update(zip((picture.digest for picture in batch), rows, strict=True))
        if new:
            cached.update(new)
            self._keep(f"{encoder.fingerprint}|{crop}", new)
        if not pictures:
            return np.zeros((0, 0), np.float32)
        return np.stack([cached[picture.digest] for picture in pictures])

    def _shelf(self, key: str) -> dict[str, Vectors]:
        if key not in self._cached:
            self._cached[key] = self._load(key)
        return self._cached[key]

    def _load(self, key: str) -> dict[str, Vectors]:
        vectors: dict[str, Vectors] = {}
        for shard in read_shards(folder_of(self._directory, key), ("digests", "vectors")):
            for digest, vector in zip(shard["digests"], shard["vectors"], strict=True):
                vectors[str(digest)] = vector
        return vectors

    def _keep(self, key: str, new: dict[str, Vectors]) -> None:
        if folder := folder_of(self._directory, key):
            write_shard(folder, list(new), {"vectors": np.stack(list(new.values()))})


def folder_of(directory: Path | None, key: str) -> Path | None:
    """Where the shards of a key (model, settings, crop) lie below a directory; None where nothing is kept."""
    return directory / hashlib.sha256(key.encode()).hexdigest()[:16] if directory else None


def read_shards(folder: Path | None, columns: Sequence[str]) -> Iterator[dict[str, NDArray[Any]]]:
    """The shards of a folder, in order; a damaged one is only a cache: its pictures are looked at again."""
    for path in sorted(folder.glob("*.npz")) if folder and folder.is_dir() else []:
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as shard:
                yield {name: shard[name] for name in columns}
        except Exception:  # readers of a damaged archive raise anything
            continue


def write_shard(folder: Path, digests: Sequence[str], columns: Mapping[str, Any]) -> None:
    """Add a shard about some pictures, whole or not at all; where nothing can be written nothing is remembered."""
    name = hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()[:16]
    draft = folder / f"{name}.{os.getpid()}.draft"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            np.savez(file, digests=np.array(digests), **columns)
        draft.replace(folder / f"{name}.npz")
