"""How fast this machine computes: a multiplication just now, for estimates. Loads no model and knows no run."""

from __future__ import annotations

import time

import numpy as np

__all__ = ["flops_of"]

EFFICIENCY = 0.35
"""Share of a large matrix product's speed that a diffusion model reaches."""
CPU_SIDE, CPU_TIMES = 1024, 3
GPU_SIDE, GPU_TIMES = 4096, 20


def flops_of(kind: str) -> float:
    """FLOP/s that a diffusion model reaches on a device ("cuda", "mps" or "cpu"), from a matrix product just now."""
    if kind == "cpu":
        fastest = min(_numpy_seconds(CPU_SIDE) for _ in range(CPU_TIMES))
        return EFFICIENCY * 2 * CPU_SIDE**3 / fastest
    return EFFICIENCY * 2 * GPU_SIDE**3 / _torch_seconds(kind)


def _numpy_seconds(side: int) -> float:
    """Seconds of one float32 product on the CPU."""
    matrix = np.ones((side, side), np.float32)
    start = time.perf_counter()
    np.matmul(matrix, matrix)
    return time.perf_counter() - start


def _torch_seconds(kind: str) -> float:
    """Seconds of one float16 product on an accelerator, the mean of several after a warm-up."""
    import torch

    matrix = torch.ones((GPU_SIDE, GPU_SIDE), dtype=torch.float16, device=kind)
    matrix.matmul(matrix).sum().item()
    start = time.perf_counter()
    for _ in range(GPU_TIMES):
        product = matrix.matmul(matrix)
    product.sum().item()
    return (time.perf_counter() - start) / GPU_TIMES
