"""Does a word mean something to a model that draws: do pictures with it move further than with made-up words?

Any word moves pictures a little, in whatever direction; a word that means something moves all of them the same way. So
the length of the mean of the moves is compared with that of words which surely mean nothing, on the same random seeds.
A few pictures tell a strong meaning from none, and no weak one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["WordMeaning", "meaning_of"]

CLEARLY = 1.5
"""How much further than the furthest made-up word a word must move pictures to mean something."""
LEAST = 0.02
"""Shortest move, in distances of unit vectors, that is looked at: below it pictures are the same to the eye."""


@dataclass(frozen=True, slots=True)
class WordMeaning:
    """How far a word moves pictures, 0..2, and how far each made-up word does."""

    moved: float
    made_up: tuple[float, ...]

    @property
    def has_one(self) -> bool:
        """Whether the word means something."""
        return self.moved > max(LEAST, CLEARLY * max(self.made_up, default=0.0))


def meaning_of(
    plain: NDArray[np.float32], worded: NDArray[np.float32], made_up: Sequence[NDArray[np.float32]]
) -> WordMeaning:
    """What a word means, by unit vectors of pictures, each (n, d), row by row of the same random seeds.

    ``plain`` are drawn without any such word, ``worded`` with the word, ``made_up`` with each made-up one.
    """
    return WordMeaning(_moved(plain, worded), tuple(_moved(plain, one) for one in made_up))


def _moved(plain: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.linalg.norm((other - plain).mean(axis=0)))
