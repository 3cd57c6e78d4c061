"""Numbers over characters: means, paired differences and the share closed, each with its interval.

Pairs are characters: a bootstrap draws characters, never pictures. Knows no picture and no disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
LEVEL = 0.95
FEWEST = 2
"""Characters below which no interval can be stated."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A number with the middle 95 % of its bootstrap; both ends are nan where there are too few characters."""

    value: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above 0; an unknown one does not."""
        return self.low > 0

    def __str__(self) -> str:
        return f"{self.value:.3f}" if np.isnan(self.low) else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Share:
    """(ours − floor) / (ceiling − floor), a ratio of means over characters.

    ``share`` is None, *n/a*, where the interval of the denominator is not above 0: there is nothing to close.
    """

    share: Interval | None
    numerator: Interval
    denominator: Interval

    def __str__(self) -> str:
        return "n/a" if self.share is None else str(self.share)


def mean(values: Sequence[float]) -> Interval:
    """The mean over characters."""
    row = np.asarray(values, np.float64)
    return _interval(float(row.mean()), row[_draws(len(row))].mean(axis=1)) if len(row) else _unknown()


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """The mean paired difference; entry i of both is the same character."""
    return mean((np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)).tolist())


def share_closed(ours: Sequence[float], floor: Sequence[float], ceiling: Sequence[float]) -> Share:
    """The covered share of the distance from ``floor`` to ``ceiling``; entry i of each is the same character."""
    above, room = (np.asarray(top, np.float64) - np.asarray(floor, np.float64) for top in (ours, ceiling))
    numerator, denominator = mean(above.tolist()), mean(room.tolist())
    if not denominator.above_zero:
        return Share(None, numerator, denominator)
    draws = _draws(len(room))
    ratios = above[draws].mean(axis=1) / room[draws].mean(axis=1)
    return Share(_interval(numerator.value / denominator.value, ratios), numerator, denominator)


def _interval(value: float, resampled: Floats) -> Interval:
    if not len(resampled):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def _unknown() -> Interval:
    return Interval(float("nan"), float("nan"), float("nan"))


def _draws(characters: int) -> NDArray[np.int64]:
    """Characters drawn with replacement, (RESAMPLES, characters); none where they are too few."""
    if characters < FEWEST:
        return np.zeros((0, characters), np.int64)
    return np.random.default_rng(0).integers(0, characters, (RESAMPLES, characters))
