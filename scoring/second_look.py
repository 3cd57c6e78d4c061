"""Whether a scorer that looks at a few pictures only can tell the character from decoys, and how it is called.

Pure functions of numbers; knows no picture and no model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["PAIR_JUDGE", "Telling", "telling"]

PAIR_JUDGE = "pair judge"
"""Name of the scorer that is asked about undecided frames only."""
SURE = 0.05
"""Level of the test whether it beats chance."""


@dataclass(frozen=True, slots=True)
class Telling:
    """``auc`` is the chance that a picture of the character has a higher value than a decoy, 0..1 (0.5 is chance);
    ``p`` the chance of an AUC as high by luck."""

    auc: float
    p: float
    known: int
    decoys: int

    @property
    def able(self) -> bool:
        """Whether it beats chance."""
        return self.p < SURE

    def __str__(self) -> str:
        return f"AUC {self.auc:.2f}, p={self.p:.3f}, {self.known} kept and {self.decoys} decoys"


def telling(known: Sequence[float], decoys: Sequence[float]) -> Telling:
    """Whether the values of pictures that are ``known`` to show the character stand above those of ``decoys``.

    One-sided Mann-Whitney test by the normal approximation, corrected for ties and continuity; AUC 0.5 and p = 1
    where a side is empty.
    """
    m, n = len(known), len(decoys)
    if not m or not n:
        return Telling(0.5, 1.0, m, n)
    apart = np.subtract.outer(np.array(known, np.float64), np.array(decoys, np.float64))
    wins = float((apart > 0).sum() + 0.5 * (apart == 0).sum())
    _, counts = np.unique([*known, *decoys], return_counts=True)
    total = m + n
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1))
    deviation = math.sqrt(m * n / 12 * (total + 1 - ties))
    if not deviation:
        return Telling(0.5, 1.0, m, n)
    p = 0.5 * math.erfc((wins - m * n / 2 - 0.5) / deviation / math.sqrt(2))
    return Telling(wins / (m * n), p, m, n)
