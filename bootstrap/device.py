"""Which device and arithmetic to use: CUDA, MPS or CPU, chosen by itself. Imports torch; knows no model."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

import torch

__all__ = ["autocast", "pick_device"]


def pick_device(asked: str = "auto") -> str:
    """ "cuda", "mps" or "cpu": the asked one, or the best that is there."""
    if asked != "auto":
        return asked
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def autocast(device: str, dtype: str = "auto") -> AbstractContextManager[object]:
    """Mixed precision for a block: bfloat16 where the device is faster with it, nothing for "float32".

    On a CPU bfloat16 pays only with native instructions (1.5x on AVX-512 BF16); elsewhere it is emulated and slower.
    """
    native = device != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if dtype == "float32" or (dtype == "auto" and not native):
        return contextlib.nullcontext()
    kind = torch.float16 if dtype == "float16" else torch.bfloat16
    return torch.autocast(device, kind)
