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

    def crops(self, number: int, each: int) -> list[int]:
        """Which of ``each`` crops of its items a pass sees."""
        return [int(crop) for crop in self._rng(number, 3).integers(each, size=self.recipe.batch_size)]

    def captions(self, number: int, *, bare: bool = False) -> list[str]:
        """The captions of a pass: tags after the kept ones shuffled and dropped, sometimes the whole caption.

        ``bare`` leaves the kept ones, the trigger, out and everything else as it is.
        """
        rng = self._rng(number, 1)
        return [self._spoken(place, rng, bare=bare) for place in self.places(number)]

    def texts(self, *, bare: bool = False) -> list[str]:
        """Every caption that the passes of a recipe with ``text_variants`` can ask for."""
        found = [
            self._shuffled(place, self._varied(place, variant), bare=bare)
            for place in range(len(self.items))
            for variant in range(self.recipe.text_variants)
        ]
        return list(dict.fromkeys(["", *found]))

    def _spoken(self, place: int, rng: np.random.Generator, *, bare: bool) -> str:
        if rng.random() < self.recipe.caption_dropout:
            return ""
        variants = self.recipe.text_variants
        return self._shuffled(place, self._varied(place, int(rng.integers(variants))) if variants else rng, bare=bare)

    def _varied(self, place: int, variant: int) -> np.random.Generator:
        """What shuffles one variant of an item's caption: the same in every pass."""
        return np.random.default_rng([self.recipe.random_seed, place, 4, variant])

    def _shuffled(self, place: int, rng: np.random.Generator, *, bare: bool) -> str:
        recipe, tags = self.recipe, self.items[place].tags
        first, rest = (
            list(tags[: recipe.keep_tokens]),
            [t for t in tags[recipe.keep_tokens :] if rng.random() >= recipe.tag_dropout],
        )
        order = rng.permutation(len(rest)) if recipe.shuffle_caption else range(len(rest))
        return ", ".join([*(() if bare else first), *(rest[i] for i in order)])

    def _rng(self, number: int, stream: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.recipe.random_seed, number, stream])
