"""Which device and arithmetic to use: CUDA, MPS or CPU, chosen by itself. Imports torch; knows no model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch

from bootstrap.errors import BackendError, OutOfMemoryError

__all__ = ["autocast", "pick_device", "reporting_memory", "weights_dtype"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SHORT = ("out of memory", "can't allocate memory", "not enough memory")
"""Parts of the messages of CUDA, MPS and CPU when memory is short."""


def pick_device(wanted: str = "auto") -> str:
    """ "cuda", "mps" or "cpu": the wanted one, or the fastest of this machine. Raises BackendError if it has none."""
    available = ["cpu"]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if wanted == "auto":
        return available[0]
    if wanted not in available:
        raise BackendError(f'device "{wanted}" is not there', f"choose {', '.join(available)} or auto")
    return wanted


def autocast(device: str, dtype: str = "auto") -> AbstractContextManager[object]:
    """Mixed precision for a block: bfloat16 where the device is faster with it, nothing for "float32".

    On a CPU bfloat16 pays only with native instructions (1.5x on AVX-512 BF16); elsewhere it is emulated and slower.
    """
    if dtype == "float32" or (dtype == "auto" and not _native_bfloat16(device)):
        return contextlib.nullcontext()
    kind = torch.float16 if dtype == "float16" else torch.bfloat16
    return torch.autocast(device, kind)


def weights_dtype(device: str, dtype: str = "auto") -> torch.dtype:
    """The type of the base's weights: the given one; for "auto" bfloat16 on CUDA, which halves them, else float32."""
    if dtype == "auto":
        return torch.bfloat16 if device == "cuda" and _native_bfloat16(device) else torch.float32
    return DTYPES[dtype]


@contextlib.contextmanager
def reporting_memory(hint: str) -> Iterator[None]:
    """Turn running out of memory, on any device, into an OutOfMemoryError of one line that says what to lower."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _is_short_of_memory(error):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise OutOfMemoryError("memory ran out", hint) from error


def _is_short_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(part in str(error) for part in SHORT)


def _native_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16 itself (CUDA: from Ampere on) instead of emulating it."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
