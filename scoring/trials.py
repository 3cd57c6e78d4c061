"""Which of several trained weights: the same probe of shots drawn with each of them, compared picture by picture.

The value is identity times control; weights whose probe has too many defects are left out. Pure functions of numbers;
knows no picture, no model and no training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

__all__ = ["Drawn", "Trial", "best_of"]

HALFWAY = 2.0
"""Deviations above the decoys at which identity is half there: about where the gate begins to admit frames."""
MOST_FAULTY = 0.1
"""Share of the probe that may be faulty before weights are left out."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture of the probe.

    ``identity`` is its normalised score (deviations above the decoys), None where no scorer could tell; ``obeyed`` are
    the checks of what was asked for, passed or not; ``faulty`` says that it has a defect or copies a seed.
    """

    identity: float | None
    obeyed: tuple[bool, ...]
    faulty: bool

    @property
    def control(self) -> float:
        """Share of what was asked for that the picture shows; 1 where nothing could be checked."""
        return fmean(self.obeyed) if self.obeyed else 1.0

    @property
    def likeness(self) -> float:
        """Identity in 0..1, by a logistic around HALFWAY; 1 where no scorer could tell."""
        return 1.0 if self.identity is None else 1 / (1 + math.exp(min(HALFWAY - self.identity, 50.0)))

    @property
    def value(self) -> float:
        """Identity times control, 0..1."""
        return self.likeness * self.control


@dataclass(frozen=True, slots=True)
class Trial:
    """The pictures that some weights drew, the probe's shots in their order."""

    drawn: tuple[Drawn, ...]

    @property
    def identity(self) -> float:
        """Mean likeness, 0..1."""
        return fmean(one.likeness for one in self.drawn)

    @property
    def control(self) -> float:
        """Mean control, 0..1."""
        return fmean(one.control for one in self.drawn)

    @property
    def faulty(self) -> int:
        """Pictures with a defect."""
        return sum(one.faulty for one in self.drawn)


def best_of(trials: Sequence[Trial]) -> int:
    """The place of the best trial; they stand in order of their steps, with probes of one size, at least one picture.

    Of those whose probe is sound (at most MOST_FAULTY of it faulty; if there is none, those with the fewest faults) it
    is the last, the whole training, unless an earlier one draws a better probe by more than one standard error of the
    paired differences.

    Raises:
        ValueError: no trial.
    """
    if not trials:
        raise ValueError("trials: nothing to choose from; draw the probe with at least one adapter")
    allowed = max(MOST_FAULTY * len(trials[-1].drawn), min(trial.faulty for trial in trials))
    sound = [place for place, trial in enumerate(trials) if trial.faulty <= allowed]
    last = sound[-1]
    leads = {place: _lead(trials[place], trials[last]) for place in sound[:-1]}
    return max((place for place in leads if leads[place] > 0), key=lambda place: (leads[place], place), default=last)


def _lead(one: Trial, other: Trial) -> float:
    """By how much the mean value of ``one`` exceeds the other's, beyond a standard error; at most 0: it does not."""
    apart = [a.value - b.value for a, b in zip(one.drawn, other.drawn, strict=True)]
    error = stdev(apart) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
    return fmean(apart) - error if fmean(apart) > error + 1e-9 else 0.0
