"""Several LoRAs as one: the change that they make together, each times its weight, is a LoRA of their ranks' sum.

So whatever draws with one adapter draws with any number of them. Knows no file, no model and no run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bootstrap.errors import BackendError
from bootstrap.export.grammar import in_file
from bootstrap.export.weights import Lora, Pair

__all__ = ["blended"]


def blended(loras: Sequence[tuple[Lora, float]]) -> Lora:
    """One LoRA that changes the base as these do together; exact: sum of w · alpha / rank · up @ down.

    A weight of 0 leaves its LoRA out of the sum, not out of the rank, so that all blends of the same LoRAs have one
    shape. Raises BackendError when there is none, or when they are for bases of two families.
    """
    if not loras:
        raise BackendError("there is no LoRA to blend", "give at least one")
    families = list(dict.fromkeys(lora.family for lora, _ in loras))
    if len(families) > 1:
        raise BackendError(f"these LoRAs are for bases of two families ({', '.join(families)})", "give those of one")
    rank = sum(lora.rank for lora, _ in loras)
    parts = [_part(loras, number, rank) for number in range(3)]
    return Lora(parts[0], float(rank), parts[1], parts[2], families[0])


def _part(loras: Sequence[tuple[Lora, float]], number: int, rank: int) -> dict[str, Pair]:
    """The modules of the UNet (0) or of a text encoder (1, 2) that any of them reaches."""
    named = [
        {in_file(module) if number else module: pair for module, pair in lora.parts[number].items()}
        for lora, _ in loras
    ]
    found: dict[str, list[Pair]] = {}
    for (lora, weight), pairs in zip(loras, named, strict=True):
        scale = np.float32(weight * lora.network_alpha / lora.rank)
        for module, (down, up) in pairs.items():
            found.setdefault(module, []).append((down, up * scale))
    return {module: _joined(pairs, rank) for module, pairs in found.items()}


def _joined(pairs: Sequence[Pair], rank: int) -> Pair:
    """Side by side along the rank, filled up with zeros: convolutions of one pixel keep their two further axes."""
    down = np.concatenate([pair[0] for pair in pairs], axis=0)
    up = np.concatenate([pair[1] for pair in pairs], axis=1)
    missing = rank - down.shape[0]
    return (
        np.pad(down, [(0, missing), *[(0, 0)] * (down.ndim - 1)]),
        np.pad(up, [(0, 0), (0, missing), *[(0, 0)] * (up.ndim - 2)]),
    )
