"""Everything a killed training needs to continue exactly, in one file that is replaced atomically.

`bootstrap.training.state.TrainingState` says what is in it: weights, optimizer, average, losses and step.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch

from bootstrap.store.files import write_atomic

__all__ = ["load_checkpoint", "save_checkpoint"]

NAME = "checkpoint.pt"
DIGEST = 32
"""Bytes of the SHA-256 behind the state: torch reads a file with an altered bit without a word."""


def save_checkpoint(workdir: Path, key: str, state: dict[str, Any]) -> None:
    """Write a state; ``key`` names recipe and data, so that no other training continues from it."""
    buffer = io.BytesIO()
    torch.save({"key": key, **state}, buffer)
    buffer.write(hashlib.sha256(buffer.getbuffer()).digest())
    write_atomic(workdir / NAME, buffer.getvalue())


def load_checkpoint(workdir: Path, key: str) -> dict[str, Any] | None:
    """The last state of the training with this key, or None: it is then trained from the start, to the same end."""
    try:
        data = (workdir / NAME).read_bytes()
        body, digest = data[:-DIGEST], data[-DIGEST:]
        if hashlib.sha256(body).digest() != digest:
            return None
        state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError):  # of another version of torch
        return None
    return state if state.get("key") == key else None
