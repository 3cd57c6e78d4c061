"""How well a number separates true frames from false ones. Pure functions of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEWEST = 3
"""Fewest true and fewest false frames for a result."""


def auc(true: Sequence[float], false: Sequence[float]) -> float | None:
    """The probability that a true frame has the larger value, ties counting half; None where either are too few."""
    if min(len(true), len(false)) < FEWEST:
        return None
    above, below = np.asarray(true)[:, None], np.asarray(false)[None]
    return float((above > below).mean() + 0.5 * (above == below).mean())


def power_at(true: Sequence[float], false: Sequence[float], rate: float) -> float | None:
    """The share of true frames above the value that ``rate`` of false ones exceed; None where either are too few."""
    if min(len(true), len(false)) < FEWEST:
        return None
    return float((np.asarray(true) > np.quantile(false, 1 - rate)).mean())


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Rank correlation, ties at their mean rank; None for fewer than 8 pairs or a constant."""
    if len(first) < 8:
        return None
    a, b = _ranks(first), _ranks(second)
    if not (a.std() and b.std()):
        return None
    return float(((a - a.mean()) * (b - b.mean())).mean() / (a.std() * b.std()))


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    row = np.asarray(values, np.float64)
    return np.array([(row < value).sum() + ((row == value).sum() - 1) / 2 for value in row])
