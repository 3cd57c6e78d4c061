"""Which pictures and captions each step sees: a function of seed and step alone, so that a resume needs no state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bootstrap.records import TrainItem
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Batches"]


@dataclass(frozen=True)
class Batches:
    """The batches of a training, by step number."""

    items: Sequence[TrainItem]
    recipe: TrainRecipe

    def places(self, step: int) -> list[int]:
        """Which items a step sees: drawn by weight, evenly spread within a batch (systematic sampling)."""
        weights = np.array([item.weight for item in self.items], np.float64)
        edges = np.cumsum(weights) / weights.sum()
        size = self.recipe.batch_size
        points = (np.arange(size) + self._rng(step).random()) / size
        picks = np.searchsorted(edges, points, side="right").clip(max=len(self.items) - 1)
        return [int(pick) for pick in picks]

    def captions(self, step: int) -> list[str]:
        """The captions of a step: tags after the kept ones shuffled and dropped, sometimes the whole caption."""
        rng = self._rng(step, 1)
        return [self._spoken(self.items[place].tags, rng) for place in self.places(step)]

    def _spoken(self, tags: Sequence[str], rng: np.random.Generator) -> str:
        recipe = self.recipe
        if rng.random() < recipe.caption_dropout:
            return ""
        first, rest = (
            list(tags[: recipe.keep_tokens]),
            [t for t in tags[recipe.keep_tokens :] if rng.random() >= recipe.tag_dropout],
        )
        return ", ".join([*first, *(rest[i] for i in rng.permutation(len(rest)))])

    def _rng(self, step: int, stream: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, step, stream])
