"""A booru tagger (SmilingWolf's WD v3, PixAI) as a reader of words: which of its tags a picture shows.

It is used as CLIP is (`scoring.zeroshot.WordEncoder`): a picture's vector is the log-odds of every tag, a word's is the
one tag that it names, so that a margin between words is a margin between their log-odds. Nothing is downloaded.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import Field

from scoring.clip import ScorerUnavailable
from scoring.features import Vectors
from scoring.graphs import Array, Graph
from scoring.settings import ModelSettings

__all__ = ["GRAPH", "TAGS", "Tagger", "TaggerModel", "characters_in", "log_odds", "tag_of"]

GRAPH, TAGS = "model.onnx", "selected_tags.csv"
SIDE = 448
GENERAL, CHARACTER = "0", "4"
"""Categories of tags on booru boards; 9 are ratings."""
SURE = 1e-6
"""Probabilities are held within this of 0 and 1: their log-odds stay finite (13.8)."""


class TaggerModel(ModelSettings):
    """A booru tagger (WD v3, PixAI); ``none``: CLIP reads what it would."""

    model: str = ""
    """Folder with model.onnx and selected_tags.csv, or the name of one that was fetched; empty: no tagger."""
    words: Mapping[str, str] = Field(default_factory=dict)
    """What a word of the vocabulary is called by the tagger, where it is not the word with underscores."""
    threads: int = Field(0, ge=0)
    """Threads of onnxruntime; 0 leaves it to onnxruntime, 1 gives the same bits on every machine."""


class Tagger:
    """Log-odds of tags for pictures, one-hot rows for words.

    Two signatures are known, told apart by the graph's input: channels last is WD (BGR 0..255 on a white square, as in
    the authors' demo), channels first is PixAI (RGB −1..1, squashed). The output holds probabilities, except one that
    is called "logits".

    Args:
        folder: with ``model.onnx`` and ``selected_tags.csv``.
        words: the tag of a word, where it is not the word with underscores.
        threads: of onnxruntime; 0 leaves it to onnxruntime.

    Raises:
        ScorerUnavailable: the folder holds no such model, or its tags are not those of its graph.
    """

    scale = 1.0
    """Log-odds need no temperature."""

    def __init__(self, folder: str | Path, words: Mapping[str, str] | None = None, threads: int = 0) -> None:
        folder = Path(folder)
        self._graph = Graph(folder / GRAPH, "tagger", threads)
        self._last, self._side = _layout(self._graph, folder)
        self._output = next((name for name in ("prediction", "logits") if name in self._graph.outputs), "")
        self._output = self._output or next(iter(self._graph.outputs))
        self._places = {name: place for place, name in enumerate(_names(folder / TAGS))}
        self._general = [row["name"] for row in _rows(folder / TAGS) if row.get("category", GENERAL) == GENERAL]
        width = self._graph.outputs[self._output][-1]
        if isinstance(width, int) and width != len(self._places):
            raise ScorerUnavailable(f"tagger: '{folder / TAGS}' has {len(self._places)} tags, the graph {width}")
        self._words = dict(words or {})
        renamed = hashlib.sha256(repr(sorted(self._words.items())).encode()).hexdigest()[:8]
        self.fingerprint = f"tagger:{self._graph.digest[:16]}:{self._side}:{renamed}"

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Log-odds of every tag, shape (n, tags); not of unit length. One picture a call of the graph."""
        rows = [self._graph.run(self._pixels(image)[None], [self._output])[0] for image in images]
        found = np.stack(rows)
        return found if self._output == "logits" else log_odds(found)

    def tags(self, image: Image.Image, threshold: float) -> list[str]:
        """The general tags of a picture as words, from a probability on, the surest first."""
        return self.tags_of(self.embed([image])[0], math.log(threshold / (1 - threshold)))

    def tags_of(self, row: Array, least: float) -> list[str]:
        """The general tags of a picture's vector as words, from these log-odds on, the surest first."""
        seen = [(float(row[self._places[name]]), name) for name in self._general]
        return [name.replace("_", " ") for odds, name in sorted(seen, reverse=True) if odds >= least]

    def probabilities(self, image: Image.Image) -> dict[str, float]:
        """Every general tag as a word → its probability."""
        row = self.embed([image])[0]
        return {name.replace("_", " "): float(1 / (1 + np.exp(-row[self._places[name]]))) for name in self._general}

    def embed_words(self, phrases: Sequence[str]) -> Vectors:
        """One row for each phrase, shape (phrases, tags): 1 at its tag. Raises ValueError for a word that has none."""
        rows = np.zeros((len(phrases), len(self._places)), np.float32)
        for row, phrase in zip(rows, phrases, strict=True):
            if not self.knows(phrase):
                raise ValueError(f"tagger: it has no tag for '{phrase}'")
            row[self._places[self._tag(phrase)]] = 1.0
        return rows

    @property
    def general(self) -> list[str]:
        """Every general tag as a word."""
        return [name.replace("_", " ") for name in self._general]

    def knows(self, phrase: str) -> bool:
        """Whether a word is one of its tags."""
        return self._tag(phrase) in self._places

    def places(self, phrases: Sequence[str]) -> list[int]:
        """Where the tags of the words that it knows stand in a picture's vector."""
        return [self._places[self._tag(phrase)] for phrase in phrases if self.knows(phrase)]

    def _tag(self, phrase: str) -> str:
        return self._words.get(phrase) or tag_of(phrase)

    def _pixels(self, image: Image.Image) -> Array:
        if not self._last:
            small = image.convert("RGB").resize((self._side, self._side), Image.Resampling.BILINEAR)
            return np.ascontiguousarray((np.asarray(small, np.float32) / 127.5 - 1).transpose(2, 0, 1), np.float32)
        small = _on_white_square(image).resize((self._side, self._side), Image.Resampling.BICUBIC)
        return np.ascontiguousarray(np.asarray(small, np.float32)[:, :, ::-1])


def characters_in(path: Path) -> frozenset[str]:
    """The characters that a list of tags names, as words ("hatsune miku"): those of the boards' category 4.

    Raises ScorerUnavailable where it is no such list.
    """
    return frozenset(row["name"].replace("_", " ") for row in _rows(path) if row.get("category") == CHARACTER)


def tag_of(phrase: str) -> str:
    """A word as boards write it: "from behind" → "from_behind"."""
    return phrase.strip().lower().replace(" ", "_")


def log_odds(probabilities: Array) -> Vectors:
    """log(p / (1 − p)), finite, of the same shape."""
    held = np.clip(probabilities.astype(np.float64), SURE, 1 - SURE)
    return np.asarray(np.log(held) - np.log1p(-held), np.float32)


def _on_white_square(image: Image.Image) -> Image.Image:
    side = max(image.size)
    canvas = Image.new("RGB", (side, side), (255, 255, 255))
    mask = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    canvas.paste(image.convert("RGB"), ((side - image.width) // 2, (side - image.height) // 2), mask)
    return canvas


def _layout(graph: Graph, folder: Path) -> tuple[bool, int]:
    """Whether channels come last, and the side of the square."""
    shape = graph.input_shape
    if len(shape) == 4 and shape[3] == 3:
        return True, shape[1] if isinstance(shape[1], int) and shape[1] > 0 else SIDE
    if len(shape) == 4 and shape[1] == 3:
        return False, shape[2] if isinstance(shape[2], int) and shape[2] > 0 else SIDE
    raise ScorerUnavailable(f"tagger: '{folder / GRAPH}' takes {list(shape)}, not pictures of three channels")


def _names(path: Path) -> list[str]:
    """The names of the tags, in the graph's order."""
    names = [row["name"] for row in _rows(path)]
    if len(set(names)) != len(names):
        raise ScorerUnavailable(f"tagger: '{path}' names a tag twice")
    return names


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a list of tags; each has a name."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if all(row["name"] is not None for row in rows):
            return rows
    except (OSError, KeyError, UnicodeDecodeError, csv.Error):
        pass
    raise ScorerUnavailable(f"tagger: '{path}' is no list of tags with a column 'name'")
