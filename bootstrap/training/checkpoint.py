"""Everything a killed training needs to continue exactly, in one file that is replaced atomically.

`bootstrap.training.state.TrainingState` says what is in it: weights, optimizer, average, losses and step.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from bootstrap.store.files import write_atomic

__all__ = ["load_checkpoint", "save_checkpoint"]

NAME = "checkpoint.pt"


def save_checkpoint(workdir: Path, key: str, state: dict[str, Any]) -> None:
    """Write a state; ``key`` names recipe and data, so that no other training continues from it."""
    buffer = io.BytesIO()
    torch.save({"key": key, **state}, buffer)
    write_atomic(workdir / NAME, buffer.getvalue())


def load_checkpoint(workdir: Path, key: str) -> dict[str, Any] | None:
    """The last state of the training with this key, or None: it is then trained from the start, to the same end."""
    try:
        state: dict[str, Any] = torch.load(workdir / NAME, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError):
        return None
    return state if state.get("key") == key else None
