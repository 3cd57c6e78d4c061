"""How well each word of an axis fits what pictures show, as a scorer reads it. Knows no scorer and no picture."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

__all__ = ["AxisReading"]


@dataclass(frozen=True, slots=True)
class AxisReading:
    """``scores`` are log-probabilities, or log-odds, of the words of an axis, two at least; the best word must lead by
    ``margin`` to be believed, and must have ``least`` itself."""

    scores: Mapping[str, float]
    margin: float
    least: float = -math.inf

    @property
    def word(self) -> str:
        """The word that leads all others by the margin; "" where none does."""
        best = max(self.scores, key=self.scores.__getitem__)
        others = max(score for word, score in self.scores.items() if word != best)
        return best if self._leads(best, others) else ""

    def instead_of(self, said: Collection[str]) -> str:
        """The best word, where it leads each of the words ``said`` by the margin; else "". Where none of them is known
        it must lead all."""
        known = [self.scores[word] for word in said if word in self.scores]
        if not known:
            return self.word
        best = max(self.scores, key=self.scores.__getitem__)
        return best if self._leads(best, max(known)) else ""

    def _leads(self, best: str, other: float) -> bool:
        return self.scores[best] >= self.least and self.scores[best] - other >= self.margin
