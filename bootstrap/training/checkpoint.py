"""Everything a killed training needs to continue exactly: weights, optimiser and step in one file, replaced atomically.

Data order, noise and dropout are functions of seed and step, so no generator state is kept.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from bootstrap.store.files import write_atomic

__all__ = ["load_checkpoint", "save_checkpoint"]

NAME = "checkpoint.pt"


def save_checkpoint(workdir: Path, step: int, key: str, state: dict[str, Any]) -> None:
    """Keep the state after ``step`` steps; ``key`` names recipe and data, so that no other training takes it up."""
    buffer = io.BytesIO()
    torch.save({"step": step, "key": key, **state}, buffer)
    write_atomic(workdir / NAME, buffer.getvalue())


def load_checkpoint(workdir: Path, key: str) -> dict[str, Any] | None:
    """The last state of the training with this key, or None."""
    path = workdir / NAME
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state if state["key"] == key else None
