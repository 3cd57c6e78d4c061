"""Losses and rates of a training for people and their tools: ``loss.csv``, and TensorBoard's files on request.

Both are written from what a checkpoint keeps, so that a resumed training leaves no gap. Knows no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.store.files import write_atomic
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.schedule import learning_rate

__all__ = ["LOSSES", "SAMPLES", "LossLog"]

LOSSES = "loss.csv"
SAMPLES = "samples"
"""Folder of the sheets that a training drew on its way, ``step00000100.png``."""


class LossLog:
    """Writes a training's losses: ``loss.csv`` in ``folder``, and ``tensorboard/`` where the recipe asks for it.

    ``open_board`` opens TensorBoard's writer for a folder. Raises BackendError where its package is missing.
    """

    def __init__(self, folder: Path, recipe: TrainRecipe, open_board: Callable[[Path], Any] | None = None) -> None:
        self._path, self._recipe = folder / LOSSES, recipe
        self._board = None
        if recipe.tensorboard:
            self._board = (open_board or _board)(folder / "tensorboard")
        self._written, self._shown = 0, set[str]()

    def write(self, losses: Sequence[torch.Tensor]) -> None:
        """Write all losses so far, one a step from the first on; TensorBoard gets the new ones only."""
        if not losses:
            return
        values = torch.stack(list(losses)).tolist()
        rates = [learning_rate(self._recipe, step) for step in range(len(values))]
        numbered = enumerate(zip(values, rates, strict=True), 1)
        rows = [f"{step},{loss:.6g},{rate:.6g}\n" for step, (loss, rate) in numbered]
        write_atomic(self._path, "".join(["step,loss,learning_rate\n", *rows]).encode())
        if self._board is not None:
            self._write_board(values, rates)

    def _write_board(self, values: Sequence[float], rates: Sequence[float]) -> None:
        assert self._board is not None
        for step in range(self._written, len(values)):
            self._board.add_scalar("loss", values[step], step + 1)
            self._board.add_scalar("learning_rate", rates[step], step + 1)
        for sheet in sorted((self._path.parent / SAMPLES).glob("step*.png")):
            if sheet.name not in self._shown:
                self._shown.add(sheet.name)
                pixels = np.asarray(Image.open(sheet).convert("RGB"))
                self._board.add_image("samples", pixels, int(sheet.stem.removeprefix("step")), dataformats="HWC")
        self._written = len(values)
        self._board.flush()


def _board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise BackendError(
            "tensorboard needs the package tensorboard (not installed)",
            "pip install tensorboard, or set the recipe's tensorboard to false",
        ) from error
    return SummaryWriter(str(folder))
