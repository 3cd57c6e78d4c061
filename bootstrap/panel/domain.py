"""Whether a panel knows pictures like these: what it reads off one of another kind is a guess that looks sure.

A panel with a probe of its own asks it, a linear one on the embeddings of its encoders; any other asks CLIP by phrases
that name its kind of picture and others. Decides nothing: what to do with the answer is said elsewhere.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.config import PanelConfig, embedded
from bootstrap.panel.models import PanelModels
from bootstrap.pictures import square
from bootstrap.store.files import write_atomic
from scoring.features import Encoder
from scoring.measurement import Picture, digest_of
from scoring.zeroshot import log_probabilities

__all__ = ["FILE", "Probe", "foreign_pictures", "read_probe", "write_probe"]

FILE = "domain.npz"


@dataclass(frozen=True)
class Probe:
    """A linear probe: below 0 a picture is of another kind than those of the encoders, named by fingerprint."""

    weights: NDArray[np.float64]
    bias: float
    fingerprints: tuple[str, ...]

    def values(self, images: Sequence[Image.Image], encoders: Sequence[Encoder]) -> NDArray[np.float64]:
        """Its value for each picture, shape (n,)."""
        rows = np.concatenate([encoder.embed([square(image) for image in images]) for encoder in encoders], axis=1)
        return np.asarray(rows @ self.weights + self.bias, np.float64)


def foreign_pictures(images: Sequence[Image.Image], models: PanelModels, panel: PanelConfig) -> list[str]:
    """What each picture is instead, in words; "" for one that the panel knows, or where it cannot tell."""
    domain = panel.domain
    if not images:
        return []
    encoders = [models.clip, *(models.own[name] for name in domain.scorers if name in models.own)]
    probe = read_probe(embedded(domain.probe)) if domain.probe else None
    if probe is not None and probe.fingerprints == tuple(encoder.fingerprint for encoder in encoders):
        return [domain.otherwise if value < 0 else "" for value in probe.values(images, encoders)]
    if not domain.own or not domain.foreign:
        return [""] * len(images)
    names = ["", *domain.foreign]
    phrases = [domain.own, *domain.foreign.values()]
    owner = np.repeat(np.arange(len(names)), [len(some) for some in phrases])
    pictures = [Picture(image, digest_of(image), "", "") for image in map(square, images)]
    flat = [phrase for some in phrases for phrase in some]
    rows = log_probabilities(models.clip, models.features, pictures, flat)
    found = []
    for row in rows:
        kinds = [float(np.logaddexp.reduce(row[owner == place])) for place in range(len(names))]
        best = int(np.argmax(kinds))
        found.append(names[best] if kinds[best] - kinds[0] > domain.margin else "")
    return found


def read_probe(path: Path) -> Probe | None:
    """A stored probe; None where there is none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            fingerprints = tuple(str(one) for one in stored["fingerprints"])
            return Probe(stored["weights"], float(stored["bias"]), fingerprints)
    except (OSError, ValueError, KeyError):
        return None


def write_probe(path: Path, weights: NDArray[np.float64], bias: float, fingerprints: Sequence[str]) -> None:
    """Store a probe."""
    buffer = io.BytesIO()
    np.savez(buffer, weights=weights, bias=np.float64(bias), fingerprints=np.array(fingerprints))
    write_atomic(path, buffer.getvalue())
