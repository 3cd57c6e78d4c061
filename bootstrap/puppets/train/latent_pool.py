"""The newest drawings of a stream as latents, on the device that trains.

A ring of shards: until it is full it grows, then each new shard replaces the oldest. So every drawing can be sampled
for an equally long time, none stays for good and is memorised, and memory is bounded; which drawings lie in the pool
depends only on how many shards it was given. Does NOT know where shards come from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bootstrap.puppets.train.fresh_drawings import FreshShard

Encode = Callable[[NDArray[np.uint8]], Tensor]
"""Pictures uint8 (N, H, W, 3) to latents (N, C, h, w) in unit deviation."""


@dataclass(frozen=True)
class LatentRows:
    """Rows of a pool: `latents` (N, C, h, w) in half precision, `ids` (N, captions, context), `framing` (N,).

    `images` uint8 (N, H, W, 3); N rows of nothing if the pool keeps no pictures.
    """

    latents: Tensor
    ids: Tensor
    framing: Tensor
    images: Tensor


class LatentPool:
    """Holds the newest `slots` shards; the rows of a shard stay in order, so that its groups can be found."""

    def __init__(self, slots: int, encode: Encode, device: torch.device, *, pictures: bool = False) -> None:
        """Memory is taken with the first shard; with `pictures` the drawings are kept as well as their latents."""
        self.slots, self.taken = slots, 0
        self._rows_of_pictures = slice(None if pictures else 0)
        self._encode, self._device = encode, device
        self._shards: LatentRows | None = None  # its first axis in two: slots, rows of a shard

    def __len__(self) -> int:
        """How many drawings there are now."""
        if self._shards is None:
            return 0
        return min(self.taken, self.slots) * self._shards.framing.shape[1]

    def add(self, shard: FreshShard) -> None:
        """Encode a shard; it replaces the oldest one if there is no free slot."""
        latents = self._encode(shard.images).to(self._device, torch.float16)
        images = shard.images[:, self._rows_of_pictures]
        rows = (latents, *(torch.from_numpy(part).to(self._device) for part in (shard.ids, shard.framing, images)))
        if self._shards is None:
            self._shards = LatentRows(*(part.new_zeros(self.slots, *part.shape) for part in rows))
        for kept, new in zip(self._parts(), rows, strict=True):
            kept[self.taken % self.slots] = new
        self.taken += 1

    def sample(self, count: int, rng: np.random.Generator) -> LatentRows:
        """Random drawings of all that are there. Raises ValueError if there are none."""
        return self.rows(rng.integers(0, len(self), count))

    def rows(self, numbers: NDArray[np.int64]) -> LatentRows:
        """The drawings `numbers` of any shape, each below `len`; those of a group have consecutive numbers."""
        picked = torch.from_numpy(numbers).to(self._device)
        return LatentRows(*(part.flatten(0, 1)[picked] for part in self._parts()))

    def _parts(self) -> tuple[Tensor, ...]:
        assert self._shards is not None
        return self._shards.latents, self._shards.ids, self._shards.framing, self._shards.images
