"""Like with like: two sets of pictures compared stratum by stratum, for they seldom hold the same views.

Pure arithmetic on numbers; knows no picture and no round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

__all__ = ["PairedChange", "Strata", "change", "summed"]

Strata = Mapping[str, Sequence[float]]
"""Name of a stratum → how many values it has, their mean, and the sum of squares about it; plain enough for JSON."""
FEWEST = 10
"""Degrees of freedom below which the spread within strata cannot be estimated."""


@dataclass(frozen=True, slots=True)
class PairedChange:
    """How far the values went up, in their own unit; its standard error; and the level that they came from."""

    rise: float
    error: float
    level: float


def summed(values: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Each stratum's values as count, mean and sum of squares; strata without values are left out."""
    found = {}
    for name, stratum in values.items():
        if stratum:
            mean = fmean(stratum)
            found[name] = [float(len(stratum)), mean, sum((value - mean) ** 2 for value in stratum)]
    return found


def change(before: Strata, after: Strata) -> PairedChange | None:
    """From one set to another over the strata that both have, or None where that cannot be estimated.

    The mean of the strata's differences, each weighted by n·m/(n + m), which is best for a common variance within
    strata; that variance is pooled over all strata of both.
    """
    shared = [(before[name], after[name]) for name in before if name in after]
    every = [*before.values(), *after.values()]
    freedom = sum(count - 1 for count, _, _ in every)
    if not shared or freedom < FEWEST:
        return None
    weights = [one[0] * two[0] / (one[0] + two[0]) for one, two in shared]
    total = sum(weights)
    rise = sum(w * (two[1] - one[1]) for w, (one, two) in zip(weights, shared, strict=True)) / total
    level = sum(w * one[1] for w, (one, _) in zip(weights, shared, strict=True)) / total
    spread = sum(squares for _, _, squares in every) / freedom
    return PairedChange(rise, math.sqrt(spread / total), level)
