"""Is it the same drawn character? CCIP, the published encoder of anime characters (deepghs, OpenRAIL), on onnxruntime.

Knows the two graphs of a CCIP model and their preprocessing; `scoring.identity` compares crops. Nothing is downloaded.
Signature and preprocessing are those of dghs-imgutils (metrics/ccip). Its published threshold (a difference of 0.178
for ccip-caformer-24-randaug-pruned) is a prior: what a run accepts is calibrated by decoys.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import Field

from scoring.clip import ScorerUnavailable
from scoring.features import Vectors
from scoring.graphs import Array, Graph
from scoring.identity import Crop, CropIdentity
from scoring.materials import Materials
from scoring.settings import Role, ScorerSettings, folder_of_model

__all__ = ["CcipEncoder", "CcipIdentity", "CcipSettings", "difference", "units"]

SIDE = 384
"""Pixels of the square that a picture is squashed to, bilinearly."""
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""CLIP's normalisation of RGB in 0..1."""
FEATURES, METRICS = "model_feat.onnx", "model_metrics.onnx"
CLOSE = 1e-3
"""How far the model's own metric may be from `difference` (published graphs: 6e-8)."""


class CcipEncoder:
    """Unit features of a picture that shows one character, shape (n, 768); their cosine orders as CCIP's metric does.

    Args:
        folder: of a model: ``model_feat.onnx``, and, optionally, ``model_metrics.onnx``.
        threads: of onnxruntime; 0 leaves it to onnxruntime.

    Raises:
        ScorerUnavailable: the folder holds no such model, or one whose own metric is another than `difference`.
    """

    def __init__(self, folder: str | Path, threads: int = 0) -> None:
        folder = Path(folder)
        self._graph = Graph(folder / FEATURES, "ccip", threads)
        self._side = _side(self._graph, folder)
        if (folder / METRICS).is_file():
            _hold_to_formula(Graph(folder / METRICS, "ccip"), folder)
        self.fingerprint = f"ccip:{self._graph.digest[:16]}:{self._side}"

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors of RGB images, shape (n, d), one image a call of the graph."""
        rows = [self._graph.run(_pixels(image, self._side)[None])[0] for image in images]
        return units(np.stack(rows))


def difference(cosine: float) -> float:
    """CCIP's own difference of two pictures by the cosine of their features: 0 (the same) to 1."""
    return min(1.0, max(0.0, (1.0 - cosine) / 2))


def units(rows: Array) -> Vectors:
    """Rows at unit length, shape (n, d)."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _pixels(image: Image.Image, side: int) -> Array:
    """Shape (3, side, side), RGB, normalised as CLIP."""
    squashed = image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    values = (np.asarray(squashed, np.float32) / 255 - np.array(MEAN)) / np.array(STD)
    return np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)


def _side(graph: Graph, folder: Path) -> int:
    shape = graph.input_shape
    if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 3):
        raise ScorerUnavailable(f"ccip: '{folder / FEATURES}' takes {list(shape)}, not (n, 3, {SIDE}, {SIDE})")
    return shape[2] if isinstance(shape[2], int) and shape[2] > 0 else SIDE


def _hold_to_formula(metric: Graph, folder: Path) -> None:
    """Raise ScorerUnavailable where the model's own metric differs from `difference`, which stands in for it."""
    width = metric.input_shape[-1]
    width = width if isinstance(width, int) and width > 0 else 768
    rows = np.random.default_rng(0).normal(size=(6, width)).astype(np.float32)
    cosines = units(rows) @ units(rows).T
    expected = np.vectorize(difference)(cosines)
    if float(np.abs(metric.run(rows) - expected).max()) > CLOSE:
        raise ScorerUnavailable(f"ccip: '{folder / METRICS}' is another metric than (1 - cosine) / 2")


class CcipSettings(ScorerSettings):
    """Which CCIP model, and which crops it compares with the seeds'."""

    kind: Literal["ccip"] = "ccip"
    role: Role = "identity"
    model: str = Field(min_length=1)
    """Folder of the model, or the name of one that was fetched or is in the Hugging Face cache."""
    crops: tuple[Crop, ...] = Field(("head", "body"), min_length=1)
    """What is compared with the same of the seeds."""
    threads: int = Field(0, ge=0)
    """Threads of onnxruntime; 0 leaves it to onnxruntime, 1 gives the same bits on every machine."""

    @property
    def own_model(self) -> str:
        """The CCIP model."""
        return self.model

    def found_in(self, place: Path) -> bool:
        """Whether a folder holds the encoder's graph."""
        return (folder_of_model(place) / FEATURES).is_file()

    def load(self, place: Path, device: str) -> CcipEncoder:
        """The encoder, on the CPU. Raises ScorerUnavailable."""
        return CcipEncoder(folder_of_model(place), self.threads)


class CcipIdentity(CropIdentity):
    """How alike picture, head or body are to the seeds', by a CCIP model, which tells drawn characters apart."""

    Settings = CcipSettings

    @classmethod
    def make(cls, name: str, settings: CcipSettings, materials: Materials) -> CcipIdentity:
        """In the space of the encoder that its settings loaded."""
        m = materials
        return cls(m.own[name], m.references, m.crops, m.features, name, settings.crops, m.approved)
