"""How far a share that was counted on few may be off. Pure functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["clopper_pearson"]

HALVINGS = 60


def clopper_pearson(hits: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of shares 0..1 that would not make ``hits`` of ``count`` surprising, at ``level`` or more.

    The exact interval (Clopper & Pearson 1934): it covers the true share at least as often as stated, whatever it is.
    Nothing counted gives (0, 1).
    """
    if not 0 <= hits <= count:
        raise ValueError(f"{hits} hits of {count} are impossible")
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else _where(lambda share: 1 - _at_most(hits - 1, count, share) < tail)
    high = 1.0 if hits == count else _where(lambda share: _at_most(hits, count, share) > tail)
    return low, high


def _where(below: Callable[[float], bool]) -> float:
    """The share at which ``below`` turns from true to false."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2


def _at_most(hits: int, count: int, share: float) -> float:
    """Chance of that many hits or fewer."""
    return sum(math.comb(count, n) * share**n * (1 - share) ** (count - n) for n in range(hits + 1))
