"""Which pictures and captions each pass sees: a function of seed and pass alone, so that a resume needs no state.

A pass is one forward pass; without gradient accumulation that is a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bootstrap.records import TrainItem
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Batches"]


@dataclass(frozen=True)
class Batches:
    """The batches of a training, by the number of the forward pass.

    ``shapes`` are the items' shapes, where they differ: a pass sees items of one shape, a bucket.
    """

    items: Sequence[TrainItem]
    recipe: TrainRecipe
    shapes: Sequence[tuple[int, ...]] = ()

    def places(self, number: int) -> list[int]:
        """Which items a pass sees: drawn by weight, evenly spread within a batch (systematic sampling)."""
        weights = np.array([item.weight for item in self.items], np.float64)
        if len(set(self.shapes)) > 1:
            weights = self._in_bucket(weights, number)
        edges = np.cumsum(weights) / weights.sum()
        size = self.recipe.batch_size
        points = (np.arange(size) + self._rng(number).random()) / size
        picks = np.searchsorted(edges, points, side="right").clip(max=len(self.items) - 1)
        return [int(pick) for pick in picks]

    def _in_bucket(self, weights: NDArray[np.float64], number: int) -> NDArray[np.float64]:
        """The weights of one bucket's items, the others' 0; a bucket comes as often as its items weigh together."""
        buckets = sorted(set(self.shapes))
        members = np.array([[shape == bucket for shape in self.shapes] for bucket in buckets])
        shares = members @ weights
        chosen = int(self._rng(number, 2).choice(len(buckets), p=shares / shares.sum()))
        found: NDArray[np.float64] = np.where(members[chosen], weights, 0.0)
        return found

    def captions(self, number: int) -> list[str]:
        """The captions of a pass: tags after the kept ones shuffled and dropped, sometimes the whole caption."""
        rng = self._rng(number, 1)
        return [self._spoken(self.items[place].tags, rng) for place in self.places(number)]

    def _spoken(self, tags: Sequence[str], rng: np.random.Generator) -> str:
        recipe = self.recipe
        if rng.random() < recipe.caption_dropout:
            return ""
        first, rest = (
            list(tags[: recipe.keep_tokens]),
            [t for t in tags[recipe.keep_tokens :] if rng.random() >= recipe.tag_dropout],
        )
        order = rng.permutation(len(rest)) if recipe.shuffle_caption else range(len(rest))
        return ", ".join([*first, *(rest[i] for i in order)])

    def _rng(self, number: int, stream: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, number, stream])
