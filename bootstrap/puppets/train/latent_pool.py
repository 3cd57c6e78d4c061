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
    """Rows of a pool: `latents` (N, C, h, w) in half precision, `ids` (N, captions, context), `framing` (N,)."""

    latents: Tensor
    ids: Tensor
    framing: Tensor


class LatentPool:
    """Holds the newest `slots` shards; the rows of a shard stay in order, so that its groups can be found."""

    def __init__(self, slots: int, encode: Encode, device: torch.device) -> None:
        """Memory is taken with the first shard."""
        self.slots, self.taken = slots, 0
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
        ids, framing = (torch.from_numpy(part).to(self._device) for part in (shard.ids, shard.framing))
        if self._shards is None:
            self._shards = LatentRows(*(part.new_zeros(self.slots, *part.shape) for part in (latents, ids, framing)))
        slot = self.taken % self.slots
        self._shards.latents[slot], self._shards.ids[slot], self._shards.framing[slot] = latents, ids, framing
        self.taken += 1

    def sample(self, count: int, rng: np.random.Generator) -> LatentRows:
        """Random drawings of all that are there. Raises ValueError if there are none."""
        rows = torch.from_numpy(rng.integers(0, len(self), count)).to(self._device)
        assert self._shards is not None
        parts = (self._shards.latents, self._shards.ids, self._shards.framing)
        return LatentRows(*(part.flatten(0, 1)[rows] for part in parts))
