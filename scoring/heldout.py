"""An encoder that never selects: of another architecture than those that do, read only to stop and to roll back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import Field

from scoring.clip import ClipEncoder, ScorerUnavailable
from scoring.features import Encoder, Features, Vectors
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.settings import Role, ScorerSettings

SIDE = 96
"""Pixels of the square that the encoder reads."""


class OnnxEncoder:
    """An ONNX graph from float32 (n, 3, 96, 96) in −1..1, RGB, to (n, d).

    Raises:
        ScorerUnavailable: no such file, or not an ONNX graph.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if not path.is_file():
            raise ScorerUnavailable(f"held-out: no encoder file '{path}'")
        import onnxruntime

        data = path.read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # one thread: the same bits on every machine load
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors share no public base
            raise ScorerUnavailable(f"held-out: '{path}' is not an ONNX encoder: {type(error).__name__}") from error
        self._input = self._session.get_inputs()[0].name
        self.fingerprint = f"onnx:{hashlib.sha256(data).hexdigest()[:16]}"

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Unit vectors, shape (n, d); images are resized to the square."""
        size = (SIDE, SIDE)
        pixels = [np.asarray(im.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.float32) for im in images]
        batch = np.stack(pixels).transpose(0, 3, 1, 2) / 127.5 - 1.0
        rows = self._session.run(None, {self._input: batch.astype(np.float32)})[0]
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


class HeldOutSettings(ScorerSettings):
    """Which encoder is held out."""

    kind: Literal["held-out"] = "held-out"
    role: Role = "held-out"
    model: str = Field(min_length=1)
    """An ONNX identity encoder, or the folder or name of an OpenCLIP model of another architecture than the panel's."""

    @property
    def own_model(self) -> str:
        """The held-out encoder."""
        return self.model

    def load(self, place: Path, device: str) -> Encoder:
        """An OpenCLIP model on a torch device from a folder, or an ONNX graph on the CPU. Raises ScorerUnavailable."""
        return ClipEncoder(str(place), "", device) if place.is_dir() else OnnxEncoder(place)


class HeldOut:
    """Cosine of the whole picture with the best seed, −1..1.

    Args:
        encoder: the held-out encoder.
        references: the seeds.
        features: the cache of embeddings.
    """

    Settings = HeldOutSettings

    def __init__(
        self, encoder: Encoder, references: Sequence[Picture], features: Features, name: str = "held-out"
    ) -> None:
        if not references:
            raise ValueError(f"{name}: no reference pictures; give at least one seed")
        self.name = name
        self._encoder, self._features, self._references = encoder, features, tuple(references)
        digests = "".join(sorted(p.digest for p in references))
        self.fingerprint = f"{encoder.fingerprint}:{hashlib.sha256(digests.encode()).hexdigest()[:12]}"

    @classmethod
    def make(cls, name: str, settings: HeldOutSettings, materials: Materials) -> HeldOut:
        """Against the seeds and their crops, as whole pictures."""
        return cls(materials.own[name], materials.references, materials.features, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The best cosine for each picture."""
        if not pictures:
            return []
        seeds = self._features.vectors(self._encoder, self._references)
        best = (self._features.vectors(self._encoder, pictures) @ seeds.T).max(axis=1)
        return [Measurement(float(v)) if np.isfinite(v) else not_applicable("no finite embedding") for v in best]
