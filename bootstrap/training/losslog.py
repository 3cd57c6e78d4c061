"""Losses and rates of a training for people and their tools: ``loss.csv``, and TensorBoard's files where wished.

Both are written anew from what a checkpoint keeps, so that a resumed training leaves no gap. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """What a training's losses are written to: ``loss.csv`` in ``folder``, with the recipe's wish ``tensorboard/``.

    Raises BackendError where the package tensorboard is wished for and missing.
    """

    def __init__(self, folder: Path, recipe: TrainRecipe) -> None:
        self._path, self._recipe = folder / LOSSES, recipe
        self._board = _board(folder / "tensorboard") if recipe.tensorboard else None
        self._told, self._shown = 0, set[str]()

    def write(self, losses: Sequence[torch.Tensor]) -> None:
        """All losses so far, one a step from the first on; what is there already is not written twice."""
        if not losses:
            return
        values = torch.stack(list(losses)).tolist()
        rates = [learning_rate(self._recipe, step) for step in range(len(values))]
        told = enumerate(zip(values, rates, strict=True), 1)
        rows = [f"{step},{loss:.6g},{rate:.6g}\n" for step, (loss, rate) in told]
        write_atomic(self._path, "".join(["step,loss,learning_rate\n", *rows]).encode())
        if self._board is None:
            return
        for step in range(self._told, len(values)):
            self._board.add_scalar("loss", values[step], step + 1)
            self._board.add_scalar("learning_rate", rates[step], step + 1)
        for sheet in sorted((self._path.parent / SAMPLES).glob("step*.png")):
            if sheet.name not in self._shown:
                self._shown.add(sheet.name)
                pixels = np.asarray(Image.open(sheet).convert("RGB"))
                self._board.add_image("samples", pixels, int(sheet.stem.removeprefix("step")), dataformats="HWC")
        self._told = len(values)
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
