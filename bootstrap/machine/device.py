"""Which device and arithmetic to use: CUDA, MPS or CPU, chosen by itself. Imports torch; knows no model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch

from bootstrap.errors import BackendError, OutOfMemoryError

__all__ = ["autocast", "pick_device", "telling_memory", "weights_dtype"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SHORT = ("out of memory", "can't allocate memory", "not enough memory")
"""What CUDA, MPS and CPU say when memory is short."""


def pick_device(asked: str = "auto") -> str:
    """ "cuda", "mps" or "cpu": the asked one, or the best that is there. Raises BackendError if it is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(name for name, found in there.items() if found)
    if not there.get(asked, False):
        raise BackendError(
            f'device "{asked}" is not there', f"choose {', '.join(n for n in there if there[n])} or auto"
        )
    return asked


def autocast(device: str, dtype: str = "auto") -> AbstractContextManager[object]:
    """Mixed precision for a block: bfloat16 where the device is faster with it, nothing for "float32".

    On a CPU bfloat16 pays only with native instructions (1.5x on AVX-512 BF16); elsewhere it is emulated and slower.
    """
    if dtype == "float32" or (dtype == "auto" and not _native_bfloat16(device)):
        return contextlib.nullcontext()
    kind = torch.float16 if dtype == "float16" else torch.bfloat16
    return torch.autocast(device, kind)


def weights_dtype(device: str, dtype: str = "auto") -> torch.dtype:
    """How the base's weights are held: as asked; by itself in bfloat16 on CUDA, which halves them, else in float32."""
    if dtype == "auto":
        return torch.bfloat16 if device == "cuda" and _native_bfloat16(device) else torch.float32
    return DTYPES[dtype]


@contextlib.contextmanager
def telling_memory(hint: str) -> Iterator[None]:
    """Turn running out of memory, on any device, into an OutOfMemoryError of one line that says what to lower."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        short = isinstance(error, torch.OutOfMemoryError | MemoryError) or any(word in str(error) for word in SHORT)
        if not short:
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise OutOfMemoryError("memory ran out", hint) from error


def _native_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16 itself (CUDA: from Ampere on) instead of emulating it."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
