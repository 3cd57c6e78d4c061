"""ONNX graphs on disk, each opened for one scorer. Knows onnxruntime and nothing of pictures or scores."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.clip import ScorerUnavailable

__all__ = ["Graph"]

Array = NDArray[np.float32]


class Graph:
    """An ONNX graph on the CPU.

    Args:
        path: the ``.onnx`` file.
        scorer: what error messages call it.
        threads: threads of one call; 1 gives the same bits on every machine, 0 leaves it to onnxruntime.

    Raises:
        ScorerUnavailable: no such file, or not an ONNX graph.
    """

    def __init__(self, path: str | Path, scorer: str, threads: int = 1) -> None:
        path = Path(path)
        if not path.is_file():
            raise ScorerUnavailable(f"{scorer}: no file '{path}'")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors share no public base
            raise ScorerUnavailable(f"{scorer}: '{path}' is not an ONNX graph: {type(error).__name__}") from error
        with path.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        first = self._session.get_inputs()[0]
        self.input: str = first.name
        self.input_shape: tuple[Any, ...] = tuple(first.shape)
        outputs = self._session.get_outputs()
        self.outputs: Mapping[str, tuple[Any, ...]] = {output.name: tuple(output.shape) for output in outputs}
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(self, batch: Array, outputs: Sequence[str] = ()) -> Array:
        """The named output for a batch, the first one by default; float32."""
        found = self._session.run(list(outputs) or [next(iter(self.outputs))], {self.input: batch})[0]
        return np.asarray(found, np.float32)
