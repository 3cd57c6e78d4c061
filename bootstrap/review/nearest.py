"""The nearest decoy of a frame's view family and the nearest seed, each with its similarity.

Reads the embeddings that the panel cached in the run (``features/``) and loads no model: a picture without cached
embeddings (a run that was cleaned, the fake backend) has no nearest one. Heads and bodies are compared where the panel
crops them by composition, whole pictures where it looks for faces. Decides nothing and knows no request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import PanelConfig, stored_config
from bootstrap.errors import BootstrapError
from bootstrap.panel.references import references_of
from bootstrap.records import Frame
from bootstrap.report.scores import decoys_of
from bootstrap.runs.encoder import encoder_of
from bootstrap.store.store import Store
from scoring.crops import Crops
from scoring.features import folder_of, read_shards
from scoring.identity import ClipIdentitySettings
from scoring.measurement import Picture

__all__ = ["NOTHING_NEAR", "Nearest"]

WHOLE = "whole"
NOTHING_NEAR: dict[str, Any] = {"seed": None, "decoy": None}
Vector = NDArray[np.float32]
CropVectors = Mapping[str, Vector]
"""Crop → unit vector of that crop of a picture."""


@dataclass(frozen=True, slots=True)
class _Cache:
    """Cached embeddings: ``keys`` is framing → crop → key, ``vectors`` is key → digest → unit vector."""

    keys: Mapping[str, Mapping[str, str]]
    vectors: Mapping[str, Mapping[str, Vector]]

    def of(self, digest: str, framing: str) -> dict[str, Vector]:
        """The vectors of a picture of that framing, crop by crop."""
        found = {}
        for crop, key in self.keys.get(framing, {}).items():
            vector = self.vectors.get(key, {}).get(digest)
            if vector is not None:
                found[crop] = vector
        return found


@dataclass(frozen=True, slots=True)
class _Comparable:
    """What frames are compared with: decoys (id, view family, vectors) and seeds (number, vectors)."""

    cache: _Cache
    decoys: Sequence[tuple[str, str, CropVectors]]
    seeds: Sequence[tuple[int, CropVectors]]


class Nearest:
    """The nearest pictures of an open run; the cache is read once, and again for a frame that it did not hold."""

    def __init__(self, store: Store) -> None:
        """Read from ``store`` and the folder ``features`` beside it."""
        self._store, self._lock = store, Lock()
        self._comparable: _Comparable | None = None
        self._missed: set[str] = set()

    def of(self, frame: Frame) -> dict[str, Any]:
        """The nearest seed ({"number", "similarity"}) and decoy ({"id", "similarity"}); None where none is cached.

        Similarities are cosines in −1..1, the mean over the crops that both have.
        """
        comparable, shot = self._read(frame), frame.job.shot
        if comparable is None:
            return NOTHING_NEAR
        own = comparable.cache.of(frame.digest, shot.framing)
        seed: tuple[float, int] | None = None
        for number, vectors in comparable.seeds:
            if own.keys() & vectors.keys():
                seed = max(seed or (-2.0, 0), (_similarity(own, vectors), number))
        decoy: tuple[float, str] | None = None
        for id, view_family, vectors in comparable.decoys:
            if view_family == shot.view_family and own.keys() & vectors.keys():
                decoy = max(decoy or (-2.0, ""), (_similarity(own, vectors), id))
        return {
            "seed": {"number": seed[1], "similarity": round(seed[0], 3)} if seed else None,
            "decoy": {"id": decoy[1], "similarity": round(decoy[0], 3)} if decoy else None,
        }

    def to_seeds(self, frames: Sequence[Frame]) -> dict[str, float | None]:
        """Frame id → its similarity to its nearest seed; None where it has no cached embeddings."""
        found = {}
        for frame in frames:
            seed = self.of(frame)["seed"]
            found[frame.job.id] = seed["similarity"] if seed else None
        return found

    def _read(self, frame: Frame) -> _Comparable | None:
        with self._lock:
            comparable = self._comparable
            stale = comparable is None or not comparable.cache.of(frame.digest, frame.job.shot.framing)
            if stale and frame.digest not in self._missed:
                self._missed.add(frame.digest)
                self._comparable = _read_comparable(self._store)
            return self._comparable


def _similarity(one: CropVectors, other: CropVectors) -> float:
    return float(np.mean([one[crop] @ other[crop] for crop in one.keys() & other.keys()]))


def _read_comparable(store: Store) -> _Comparable | None:
    """The cached embeddings of a run's decoys and seeds; None where its panel or its settings are unknown."""
    encoder = encoder_of(store)
    if encoder is None:
        return None
    seeds: list[tuple[int, CropVectors]] = []
    try:
        panel = stored_config(store.recall("config")).panel
        cache = _read_cache(store.directory / "features", encoder, panel)
        for number, seed in enumerate(store.seeds()):
            for picture in references_of([seed], store.directory, panel):
                seeds.append((number, cache.of(picture.digest, picture.framing)))
    except (BootstrapError, OSError):
        return None
    decoys: list[tuple[str, str, CropVectors]] = []
    for frame in decoys_of(store):
        shot = frame.job.shot
        decoys.append((frame.job.id, shot.view_family, cache.of(frame.digest, shot.framing)))
    return _Comparable(cache, decoys, seeds)


def _read_cache(folder: Path, encoder: str, panel: PanelConfig) -> _Cache:
    """Every embedding that an encoder cached of the crops that the panel compares."""
    keys = {framing: _keys(panel, framing) for framing in panel.composition}
    vectors: dict[str, dict[str, Vector]] = {}
    if folder.is_dir():
        for by_crop in keys.values():
            for key in by_crop.values():
                if key not in vectors:
                    vectors[key] = _read_vectors(folder_of(folder, f"{encoder}|{key}"))
    return _Cache(keys, vectors)


def _keys(panel: PanelConfig, framing: str) -> dict[str, str]:
    """Crop → the key under which the panel caches it, for pictures of a framing."""
    compared = _compared_crops(panel)
    if panel.heads != "composition" or not compared:
        return {WHOLE: WHOLE}
    crops = Crops(panel.composition)
    if WHOLE in compared:
        crops = crops.with_whole()
    picture = Picture(Image.new("RGB", (1, 1)), "", "", framing)
    return {crop: crops.key(picture, crop) for crop in compared if crops.box(framing, crop)}


def _compared_crops(panel: PanelConfig) -> Sequence[str]:
    """The crops that CLIP, whose embeddings are read here, compares with the seeds'; () where it compares none."""
    for settings in panel.in_use.values():
        if isinstance(settings, ClipIdentitySettings):
            return settings.crops
    return ()


def _read_vectors(folder: Path | None) -> dict[str, Vector]:
    """Digest → vector, from every shard of a folder."""
    found = {}
    for shard in read_shards(folder, ("digests", "vectors")):
        for digest, vector in zip(shard["digests"], shard["vectors"], strict=True):
            found[str(digest)] = vector
    return found
