"""Drawing the parts of a set by several processes, and writing each so that no half file is ever left.

Does NOT know what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

Job = tuple[str, int, Path]
"""Kind of set, number of the shard, its file."""


def draw_shards(jobs: Sequence[Job], draw: Callable[[Job], None], workers: int) -> None:
    """Call `draw` (a function of a module) for every job; one worker draws in this process."""
    jobs[0][2].parent.mkdir(parents=True, exist_ok=True)
    if workers <= 1:
        for job in jobs:
            draw(job)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(draw, jobs))
