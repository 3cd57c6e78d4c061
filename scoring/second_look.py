"""Whether a scorer that looks at a few pictures only can tell the character from decoys, and which of the defects that
it names count.

Pure functions of numbers; knows no picture and no model.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["PAIR_DEFECTS", "PAIR_JUDGE", "Naming", "Telling", "naming", "telling"]

PAIR_JUDGE = "pair judge"
"""Name of the scorer that is asked about undecided frames only."""
PAIR_DEFECTS = "pair defects"
"""Name of the check by the defects that it names."""
SURE = 0.05
"""Level of the tests whether it beats chance."""


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


@dataclass(frozen=True, slots=True)
class Naming:
    """On how many pictures a defect was named, of how many: of ``good`` ones, and of those ``waiting`` for a verdict.

    ``p`` is the chance that so many more of the waiting ones are named by luck; ``halo`` the chance that so many more
    of the decoys are: a scorer that names a defect rather on a stranger takes the stranger for a defect.
    """

    good: tuple[int, int]
    waiting: tuple[int, int]
    p: float
    halo: float

    @property
    def counts(self) -> bool:
        """Whether it is named more often on waiting pictures than on good ones, and not on decoys still more often."""
        return self.p < SURE <= self.halo

    def __str__(self) -> str:
        named = f"named on {self.waiting[0]} of {self.waiting[1]} undecided, {self.good[0]} of {self.good[1]} kept"
        return f"{named}, p={self.p:.3f}" + ("; still oftener on decoys" * (self.halo < SURE))


def naming(
    defect: str,
    good: Sequence[Collection[str]],
    waiting: Sequence[Collection[str]],
    decoys: Sequence[Collection[str]],
) -> Naming:
    """How a defect is named among the defects of each picture, by Fisher's exact test, one-sided."""
    counts = [(sum(defect in one for one in some), len(some)) for some in (good, waiting, decoys)]
    return Naming(counts[0], counts[1], _more_often(counts[1], counts[0]), _more_often(counts[2], counts[1]))


def _more_often(one: tuple[int, int], other: tuple[int, int]) -> float:
    """The chance that at least as many of ``one`` are named where both are alike; each is (named, of)."""
    named, total = one[0] + other[0], one[1] + other[1]
    ways = sum(
        math.comb(one[1], some) * math.comb(other[1], named - some) for some in range(one[0], min(named, one[1]) + 1)
    )
    return ways / math.comb(total, named)
