"""Which weight of another LoRA keeps both: the character, and what the other LoRA does by itself, for example a style.

Other LoRAs override a character, and of all remedies that were tried only weights help; LOG "Style LoRAs beside a
character". How much of the other is there is measured on whole pictures: how far the pictures move towards what the
base draws with the other LoRA alone. Knows no store: what draws and what looks are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bootstrap.compare.grid import BASE, Cell, Companion
from bootstrap.compare.results import Pair, PairSearch, Result
from bootstrap.records import Frame

__all__ = ["SEARCHED", "best_weights", "search_pairs"]

SEARCHED = (1.0, 0.8, 0.6, 0.4)
"""Weights of the other LoRA that are tried beside the character."""
SEEN = 0.02
"""Distance of mean looks (unit vectors) below which the other LoRA by itself changes nothing that is seen."""
Look = Callable[[Frame], NDArray[np.float32]]
"""The unit vector of a picture, whole."""


def search_pairs(
    best: Result, base: Result, companion: Companion, rate: Callable[[Cell], Result], look: Look
) -> PairSearch:
    """Draw the best cell beside a companion at each weight, and the base with the companion alone; compare.

    Args:
        best: the recommended cell without companions.
        base: what the base draws from words of the same shots.
        companion: the other LoRA, whose own weight is not heeded.
        rate: draws and measures a cell.
        look: the unit vector of a picture.
    """
    others = [replace(companion, weight=weight) for weight in SEARCHED]
    tried = [rate(replace(best.cell, companions=(other,))) for other in others]
    styled = rate(replace(BASE, companions=(others[0],)))
    without, alone = base.on_shots_of(styled), best.on_shots_of(tried[0])
    direction = _mean(styled, look) - _mean(without, look)
    length, plain = float(direction @ direction), _mean(alone, look)
    pairs = []
    for one in tried:
        there = float((_mean(one, look) - plain) @ direction) / length if length > SEEN**2 else None
        kept = one.trial.identity / alone.trial.identity if alone.trial.identity else 0.0
        pairs.append(Pair(one, kept, there))
    return PairSearch(companion, alone.trial.identity, tuple(pairs))


def best_weights(companions: Sequence[Companion], searches: Sequence[PairSearch]) -> list[Companion]:
    """The companions, those whose weight was searched at the best one."""
    found = {one.companion.path: one.best.weight for one in searches}
    return [replace(one, weight=found.get(one.path, one.weight)) for one in companions]


def _mean(result: Result, look: Look) -> NDArray[np.float64]:
    """The mean look of a cell's pictures."""
    looks = np.stack([look(picture.frame) for picture in result.pictures])
    return np.asarray(looks.mean(axis=0), np.float64)
