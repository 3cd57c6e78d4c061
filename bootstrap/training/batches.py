"""The pictures and captions of each pass: a function of random seed and pass alone, so that a resume needs no state.

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

CAPTION_STREAM, BUCKET_STREAM, CROP_STREAM, VARIANT_STREAM = 1, 2, 3, 4
"""Streams of random numbers beside that of the places, which is 0."""


@dataclass(frozen=True)
class Batches:
    """The batches of a training, by the number of the forward pass.

    ``shapes`` are the items' shapes, where they differ: a pass sees items of one shape, a bucket.
    """

    items: Sequence[TrainItem]
    recipe: TrainRecipe
    shapes: Sequence[tuple[int, ...]] = ()

    def places(self, number: int) -> list[int]:
        """Which items a pass sees: sampled by weight, evenly spread within a batch (systematic sampling)."""
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
        bucket_of = np.array([buckets.index(shape) for shape in self.shapes])
        members = bucket_of == np.arange(len(buckets))[:, None]
        shares = members @ weights
        chosen = int(self._rng(number, BUCKET_STREAM).choice(len(buckets), p=shares / shares.sum()))
        found: NDArray[np.float64] = np.where(members[chosen], weights, 0.0)
        return found

    def crops(self, number: int, each: int) -> list[int]:
        """Which of ``each`` crops of its items a pass sees."""
        return [int(crop) for crop in self._rng(number, CROP_STREAM).integers(each, size=self.recipe.batch_size)]

    def captions(self, number: int, *, without_trigger: bool = False) -> list[str]:
        """The captions of a pass: tags after the kept ones shuffled and dropped, sometimes the whole caption.

        ``without_trigger`` leaves the kept tags out and everything else as it is.
        """
        rng = self._rng(number, CAPTION_STREAM)
        return [self._caption(place, rng, without_trigger=without_trigger) for place in self.places(number)]

    def texts(self, *, without_trigger: bool = False) -> list[str]:
        """Every caption that the passes of a recipe with ``text_variants`` can ask for."""
        found = [""]
        for place in range(len(self.items)):
            for variant in range(self.recipe.text_variants):
                found.append(self._shuffled(place, self._variant_rng(place, variant), without_trigger=without_trigger))
        return list(dict.fromkeys(found))

    def _caption(self, place: int, rng: np.random.Generator, *, without_trigger: bool) -> str:
        if rng.random() < self.recipe.caption_dropout:
            return ""
        if self.recipe.text_variants:
            rng = self._variant_rng(place, int(rng.integers(self.recipe.text_variants)))
        return self._shuffled(place, rng, without_trigger=without_trigger)

    def _variant_rng(self, place: int, variant: int) -> np.random.Generator:
        """What shuffles one variant of an item's caption: the same in every pass."""
        return np.random.default_rng([self.recipe.random_seed, place, VARIANT_STREAM, variant])

    def _shuffled(self, place: int, rng: np.random.Generator, *, without_trigger: bool) -> str:
        """An item's caption, its tags after the kept ones dropped at random, then shuffled."""
        recipe, tags = self.recipe, self.items[place].tags
        rest = [tag for tag in tags[recipe.keep_tokens :] if rng.random() >= recipe.tag_dropout]
        if recipe.shuffle_caption:
            rest = [rest[index] for index in rng.permutation(len(rest))]
        if without_trigger:
            return ", ".join(rest)
        return ", ".join([*tags[: recipe.keep_tokens], *rest])

    def _rng(self, number: int, stream: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.recipe.random_seed, number, stream])
