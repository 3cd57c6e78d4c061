"""A linear probe that reads every trait off pictures of one character, on embeddings that a panel computes anyway.

An axis has a score for each word and one for nothing: the trait is hidden, or the character has none. The score of a
word is the sum of those of its parts, its first word and the rest, so that a colour is learned from garments of every
kind, and of a share of what CLIP itself says of the word.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import PanelConfig
from bootstrap.panel.models import PanelModels
from bootstrap.pictures import square
from bootstrap.readers.axis_reading import AxisReading
from bootstrap.store.files import write_atomic
from scoring.crops import Crops
from scoring.features import Encoder, WordEncoder
from scoring.measurement import Picture, digest_of

__all__ = [
    "FILE", "AxisProbe", "TraitProbe", "encoders_of", "features_of", "parts_of", "read_trait_probe", "spoken",
    "summing",
]  # fmt: skip

FILE = "traits.npz"
PLACES = ("whole", "head", "body")
"""What of a picture is embedded; the whole where a crop is not seen."""


@dataclass(frozen=True, slots=True)
class AxisProbe:
    """``weights`` has a row for each feature and a last one for the bias, and a column for nothing and for each part
    of the ``words``; ``shares`` are those of CLIP's own scores by the whole, the head and the body. ``margin`` is the
    log-probability by which another word must lead one that is wrong."""

    words: tuple[str, ...]
    weights: NDArray[np.float32]
    shares: NDArray[np.float32]
    margin: float

    def log_probabilities(self, rows: NDArray[np.float32], clip: WordEncoder) -> NDArray[np.float64]:
        """Of nothing, then of each word, for rows of features (n, d): shape (n, 1 + words)."""
        scores = (rows @ self.weights[:-1] + self.weights[-1]).astype(np.float64) @ summing(self.words).T
        scores[:, 1:] += np.tensordot(self.shares, spoken(rows, self.words, clip), 1)
        scores -= scores.max(axis=1, keepdims=True)
        found: NDArray[np.float64] = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return found

    def scores(self, rows: NDArray[np.float32], clip: WordEncoder) -> NDArray[np.float64]:
        """How well each word fits each picture, shape (n, words): one in which nothing is seen speaks for none."""
        found = self.log_probabilities(rows, clip)
        return np.asarray(np.logaddexp(found[:, 1:], found[:, :1]), np.float64)

    def reading(self, rows: NDArray[np.float32], clip: WordEncoder) -> AxisReading:
        """What pictures of one character show together."""
        together = self.scores(rows, clip).sum(axis=0)
        return AxisReading(dict(zip(self.words, together.tolist(), strict=True)), self.margin)


@dataclass(frozen=True, slots=True)
class TraitProbe:
    """Axis → its probe, for the encoders with these fingerprints."""

    axes: Mapping[str, AxisProbe]
    fingerprints: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Store it, in half precision."""
        arrays: dict[str, Any] = {"fingerprints": np.array(self.fingerprints)}
        for axis, probe in self.axes.items():
            arrays[f"{axis} words"] = np.array(probe.words)
            arrays[f"{axis} weights"] = probe.weights.astype(np.float16)
            arrays[f"{axis} shares"] = probe.shares
            arrays[f"{axis} margin"] = np.float64(probe.margin)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        write_atomic(path, buffer.getvalue())


def read_trait_probe(path: Path) -> TraitProbe | None:
    """A stored probe; None where there is none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            axes = {}
            for name in stored.files:
                axis, _, what = name.rpartition(" ")
                if what == "words":
                    words = tuple(str(word) for word in stored[name])
                    weights = stored[f"{axis} weights"].astype(np.float32)
                    axes[axis] = AxisProbe(words, weights, stored[f"{axis} shares"], float(stored[f"{axis} margin"]))
            return TraitProbe(axes, tuple(str(one) for one in stored["fingerprints"]))
    except (OSError, ValueError, KeyError):
        return None


def parts_of(words: Sequence[str]) -> list[str]:
    """The parts of words, sorted: of each its first word and the rest."""
    return sorted({part for word in words for part in _parts(word)})


def summing(words: Sequence[str]) -> NDArray[np.float64]:
    """Which columns make up the score of nothing and of each word, shape (1 + words, 1 + parts)."""
    parts = parts_of(words)
    found = np.zeros((1 + len(words), 1 + len(parts)))
    found[0, 0] = 1
    for row, word in enumerate(words, 1):
        for part in _parts(word):
            found[row, 1 + parts.index(part)] = 1
    return found


def spoken(rows: NDArray[np.float32], words: Sequence[str], clip: WordEncoder) -> NDArray[np.float32]:
    """What CLIP says of each word by the whole, the head and the body of each picture, shape (places, n, words)."""
    names = clip.scale * clip.embed_words(words)
    width = names.shape[1]
    parts = [rows[:, place * width : (place + 1) * width] @ names.T for place in range(len(PLACES))]
    return np.stack(parts).astype(np.float32)


def encoders_of(models: PanelModels, panel: PanelConfig) -> list[Encoder]:
    """What the probe of a panel reads: CLIP, and the encoders of the scorers that its settings name."""
    return [models.clip, *(models.own[name] for name in panel.trait_probe.scorers if name in models.own)]


def features_of(images: Sequence[Image.Image], models: PanelModels, panel: PanelConfig) -> NDArray[np.float32]:
    """The embeddings of pictures and of the heads and bodies in them side by side, shape (n, d)."""
    crops, framings = models.crops(panel), tuple(panel.composition)
    pictures = []
    for image in map(square, images):
        pictures.append(Picture(image, digest_of(image), "", models.read(image, framings)))
    crops.look(pictures)
    columns = []
    for encoder in encoders_of(models, panel):
        for place in PLACES:
            columns.append(encoder.embed([_cut(crops, picture, place) for picture in pictures]))
    return np.concatenate(columns, axis=1)


def _cut(crops: Crops, picture: Picture, place: str) -> Image.Image:
    cut = None if place == "whole" else crops.cut(picture, place)
    return picture.image if cut is None else cut


def _parts(word: str) -> list[str]:
    first, _, rest = word.partition(" ")
    return [first, rest] if rest else [first]
