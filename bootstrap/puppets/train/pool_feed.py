"""Brings fresh drawings from a stream into the pool that a training samples. Does NOT know what is trained."""

from __future__ import annotations

import logging

from bootstrap.puppets.train.drawing_stream import DrawingStream
from bootstrap.puppets.train.latent_pool import LatentPool
from bootstrap.puppets.train.training_state import Timer

log = logging.getLogger(__name__)

TAKE_STEPS = 10
"""Batches between two looks for new shards."""


class PoolFeed:
    """A pool of drawings that grows, and is renewed, while it is sampled."""

    def __init__(self, stream: DrawingStream, pool: LatentPool) -> None:
        self._stream, self._pool = stream, pool
        self._batches = 0

    def fill(self, enough: int) -> None:
        """Wait until there are `enough` drawings to start; also take all others that are there."""
        note = Timer(15)
        while self._pool.taken < self._pool.slots and (len(self._pool) < enough or self._stream.ready):
            self._pool.add(self._stream.wait())
            if note():
                log.info("%d drawings so far", len(self._pool))

    def pool(self) -> LatentPool:
        """The pool for the next batch, with what was drawn meanwhile."""
        self._batches += 1
        if self._batches % TAKE_STEPS == 0:
            for shard in self._stream.new():
                self._pool.add(shard)
        return self._pool
