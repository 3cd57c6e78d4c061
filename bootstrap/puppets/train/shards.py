"""Draws the shards of a set in several processes.

Does NOT know what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

Shard = tuple[str, int, Path]
"""Kind of set, number of the shard, its file."""


def draw_shards(shards: Sequence[Shard], draw: Callable[[Shard], None], workers: int) -> None:
    """Call `draw` (a function at the top of a module) for every shard; one worker draws in this process."""
    shards[0][2].parent.mkdir(parents=True, exist_ok=True)
    if workers <= 1:
        for shard in shards:
            draw(shard)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(draw, shards))
