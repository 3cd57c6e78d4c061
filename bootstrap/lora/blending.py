"""Several LoRAs as one: the change that they make together, each times its weight, is a LoRA of their ranks' sum.

So whatever draws with one adapter draws with any number of them. Knows no file, no model and no run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bootstrap.errors import BackendError
from bootstrap.lora.grammar import in_file
from bootstrap.lora.kinds import Pair, as_pair
from bootstrap.lora.weights import Lora

__all__ = ["blended"]

PARTS = 3
"""The denoiser and two text encoders."""


def blended(loras: Sequence[tuple[Lora, float]]) -> Lora:
    """One LoRA that changes the base as these do together; exact: sum of w · alpha / rank · up @ down.

    A weight of 0 leaves its LoRA out of the sum, not out of the rank, so that all blends of the same LoRAs have one
    shape. LoHa and LoKr are multiplied out. Raises BackendError when there is none, when they are for bases of two
    architectures, or for a DoRA, whose lengths do not add up.
    """
    if not loras:
        raise BackendError("there is no LoRA to blend", "give at least one")
    grammar = loras[0][0].grammar
    architectures = list(dict.fromkeys(lora.grammar.architecture for lora, _ in loras))
    if len(architectures) > 1:
        raise BackendError(
            f"these LoRAs are for bases of two architectures ({', '.join(architectures)})", "give those of one"
        )
    if any(lora.kind == "dora" for lora, _ in loras):
        raise BackendError("a DoRA cannot be blended: it sets lengths, which do not add up", "give other LoRAs")
    joined = [_joined_part(loras, part) for part in range(PARTS)]
    rank = sum(lora.rank for lora, _ in loras)
    for pairs in joined:
        rank = max([rank, *(len(down) for down, _ in pairs.values())])
    denoiser, text, text_2 = ({module: _filled(pair, rank) for module, pair in pairs.items()} for pairs in joined)
    return Lora(denoiser, float(rank), text, text_2, grammar=grammar, network_rank=rank)


def _joined_part(loras: Sequence[tuple[Lora, float]], part: int) -> dict[str, Pair]:
    """The modules of the denoiser (0) or of a text encoder (1, 2) that any of the LoRAs changes."""
    found: dict[str, list[Pair]] = {}
    for lora, weight in loras:
        scale = np.float32(weight * lora.network_alpha / lora.rank)
        for module, weights in lora.parts[part].items():
            down, up = as_pair(weights)
            found.setdefault(in_file(module) if part else module, []).append((down, up * scale))
    return {module: _joined(pairs) for module, pairs in found.items()}


def _joined(pairs: Sequence[Pair]) -> Pair:
    """Side by side along the rank; convolutions keep their kernel, unless one of them was multiplied out."""
    if len({pair[0].ndim for pair in pairs}) > 1:
        pairs = [(down.reshape(len(down), -1), up.reshape(len(up), -1)) for down, up in pairs]
    return np.concatenate([pair[0] for pair in pairs], axis=0), np.concatenate([pair[1] for pair in pairs], axis=1)


def _filled(pair: Pair, rank: int) -> Pair:
    """The same pair at a larger rank."""
    (down, up), missing = pair, rank - len(pair[0])
    return (
        np.pad(down, [(0, missing), *[(0, 0)] * (down.ndim - 1)]),
        np.pad(up, [(0, 0), (0, missing), *[(0, 0)] * (up.ndim - 2)]),
    )
