"""Weights of a fused layer as those of its parts, and back: diffusers has query, key and value apart, others as one.

The parts are rows of the fused layer, in order and of equal number. Knows no file and no name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bootstrap.lora.kinds import Pair

__all__ = ["fused_pair", "parts_of_pair"]


def parts_of_pair(pair: Pair, count: int) -> list[Pair]:
    """The pairs of the parts, which share what is multiplied with the inputs."""
    down, up = pair
    return [(down, rows) for rows in np.split(up, count)]


def fused_pair(pairs: Sequence[Pair | None]) -> Pair:
    """One pair that changes a fused layer as these change its parts; None for a part that is left as it is.

    Of their common rank where they share one factor, else of the sum of their ranks. One pair at least is given.
    """
    given = [pair for pair in pairs if pair is not None]
    rows = len(given[0][1])
    if len(given) == len(pairs) and all(np.array_equal(down, given[0][0]) for down, _ in given):
        return given[0][0], np.concatenate([up for _, up in given])
    up = np.zeros((rows * len(pairs), sum(len(down) for down, _ in given)), np.float32)
    column = 0
    for number, pair in enumerate(pairs):
        if pair is not None:
            end = column + len(pair[0])
            up[number * rows : (number + 1) * rows, column:end] = pair[1]
            column = end
    return np.concatenate([down for down, _ in given]), up
