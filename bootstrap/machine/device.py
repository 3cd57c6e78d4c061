"""Which device and arithmetic to use: CUDA, MPS or CPU, chosen by itself. Imports torch; knows no model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

import torch

from bootstrap.errors import BackendError, OutOfMemoryError

__all__ = ["arithmetic", "autocast", "pick_device", "reporting_memory", "unscaled_autocast", "weights_dtype"]

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
    """Mixed precision for a block, in the type of `arithmetic`; nothing for float32."""
    kind = arithmetic(device, dtype)
    return contextlib.nullcontext() if kind == torch.float32 else torch.autocast(device, kind)


def unscaled_autocast(device: str) -> AbstractContextManager[object]:
    """Mixed precision for a training without a loss scale: bfloat16 where the device has it, else float32.

    In float16, which `autocast` takes on CUDA cards before Ampere, gradients below 6e-8 would be lost.
    """
    return autocast(device) if _native_bfloat16(device) else contextlib.nullcontext()


def arithmetic(device: str, dtype: str = "auto") -> torch.dtype:
    """The type that a base computes in: the given one; for "auto" the fastest that is safe on the device.

    That is bfloat16 where the device has it, float16 on CUDA cards before Ampere (T4, V100, RTX 20), else float32. On
    a CPU bfloat16 pays only with native instructions (1.5x on AVX-512 BF16); elsewhere it is emulated and slower.
    """
    if dtype != "auto":
        return DTYPES[dtype]
    if _native_bfloat16(device):
        return torch.bfloat16
    return torch.float16 if device == "cuda" else torch.float32


def weights_dtype(device: str, dtype: str = "auto") -> torch.dtype:
    """The type of the base's weights: the given one; for "auto" that of `arithmetic` on CUDA, else float32."""
    return arithmetic(device, dtype) if device == "cuda" else DTYPES.get(dtype, torch.float32)


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
