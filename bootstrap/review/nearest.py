"""What a frame looks most like: the nearest decoy of its view family and the nearest seed, each with how alike.

Reads the embeddings that the panel left in the run (``features/``) and loads no model: what is not remembered there (a
run that was cleaned, the fake backend) has no nearest. Heads and bodies are compared where the panel cuts them by
composition, whole pictures where it looks for faces. Decides nothing and knows no request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import PanelConfig, stored_config
from bootstrap.errors import BootstrapError
from bootstrap.panel.judges import references_of
from bootstrap.records import Frame, JobKind
from bootstrap.runs.encoder import encoder_of
from bootstrap.store.store import Store
from scoring.base import Picture
from scoring.crops import Crops
from scoring.features import folder_of, read_shards

__all__ = ["DECOYS", "NOTHING_NEAR", "Nearest"]

DECOYS = (JobKind.LOOKALIKE, JobKind.EXCHANGED)
WHOLE = "whole"
NOTHING_NEAR: dict[str, Any] = {"seed": None, "decoy": None}
Vector = NDArray[np.float32]
Shown = Mapping[str, Vector]
"""Crop → unit vector of what a picture shows of it."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything that is remembered of a run: decoys (id, view family), seeds by number, shelves by key and digest.

    ``crops``: framing → crop → key of the shelf that holds it.
    """

    decoys: Sequence[tuple[str, str, Shown]]
    seeds: Sequence[tuple[int, Shown]]
    shelves: Mapping[str, Shown]
    crops: Mapping[str, Mapping[str, str]]

    def shown(self, digest: str, framing: str) -> dict[str, Vector]:
        """What is remembered of a picture of that framing, crop by crop."""
        keys = self.crops.get(framing, {})
        found = {crop: self.shelves.get(key, {}).get(digest) for crop, key in keys.items()}
        return {crop: vector for crop, vector in found.items() if vector is not None}


class Nearest:
    """The nearest pictures of an open run; what is remembered is read once, and again for a frame that is new to it."""

    def __init__(self, store: Store) -> None:
        """Read from ``store`` and the folder ``features`` beside it."""
        self._store, self._lock = store, Lock()
        self._known: _Known | None = None
        self._missed: set[str] = set()

    def of(self, frame: Frame) -> dict[str, Any]:
        """The nearest seed ({"number", "similarity"}) and decoy ({"id", "similarity"}); None where nothing is known.

        Similarities are cosines in −1..1, the mean over the crops that both show.
        """
        known, shot = self._read(frame), frame.job.shot
        own = known.shown(frame.digest, shot.framing) if known else {}
        if known is None or not own:
            return NOTHING_NEAR
        seeds = [(_alike(own, shown), number) for number, shown in known.seeds if own.keys() & shown.keys()]
        decoys = [
            (_alike(own, shown), id) for id, view_family, shown in known.decoys
            if view_family == shot.view_family and own.keys() & shown.keys()
        ]  # fmt: skip
        seed, decoy = max(seeds, default=None), max(decoys, default=None)
        return {
            "seed": {"number": seed[1], "similarity": round(seed[0], 3)} if seed else None,
            "decoy": {"id": decoy[1], "similarity": round(decoy[0], 3)} if decoy else None,
        }

    def _read(self, frame: Frame) -> _Known | None:
        with self._lock:
            stale = self._known is None or not self._known.shown(frame.digest, frame.job.shot.framing)
            if stale and frame.digest not in self._missed:
                self._missed.add(frame.digest)
                self._known = _remembered(self._store)
            return self._known


def _alike(one: Shown, other: Shown) -> float:
    return float(np.mean([one[crop] @ other[crop] for crop in one.keys() & other.keys()]))


def _remembered(store: Store) -> _Known | None:
    """What the panel of a run remembers; None where its panel or its settings cannot be told."""
    try:
        panel = stored_config(store.recall("config")).panel
        references = [(n, references_of([seed], store.directory, panel)) for n, seed in enumerate(store.seeds())]
    except (BootstrapError, OSError):
        return None
    encoder = encoder_of(store)
    if encoder is None:
        return None
    crops = {framing: _keys(panel, framing) for framing in panel.composition}
    folder = store.directory / "features"
    wanted = {key for keys in crops.values() for key in keys.values()}
    shelves = {key: _shelf(store, f"{encoder}|{key}") for key in sorted(wanted)} if folder.is_dir() else {}
    known = _Known((), (), shelves, crops)
    decoys = [
        (frame.job.id, frame.job.shot.view_family, known.shown(frame.digest, frame.job.shot.framing))
        for kind in DECOYS
        for frame in store.frames(kind=kind)
    ]
    seeds = [(n, known.shown(one.digest, one.framing)) for n, pictures in references for one in pictures]
    return _Known(decoys, seeds, shelves, crops)


def _keys(panel: PanelConfig, framing: str) -> dict[str, str]:
    """Crop → the key under which the panel remembers it, for pictures of a framing."""
    if panel.heads != "composition" or not panel.identity_crops:
        return {WHOLE: WHOLE}
    crops, picture = Crops(panel.composition), Picture(Image.new("RGB", (1, 1)), "", "", framing)
    return {crop: crops.key(picture, crop) for crop in panel.identity_crops if crops.box(framing, crop)}


def _shelf(store: Store, key: str) -> dict[str, Vector]:
    folder = folder_of(store.directory / "features", key)
    return {
        str(digest): vector
        for shard in read_shards(folder, ("digests", "vectors"))
        for digest, vector in zip(shard["digests"], shard["vectors"], strict=True)
    }
