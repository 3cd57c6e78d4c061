"""A stream of fresh drawings: processes draw shards ahead of a training, which takes them in the order of their number.

On disk lie the newest shards only: those that the training keeps, and a few that it has not taken yet. The processes
end with the training, also when it is killed. Does NOT know what the drawings are for.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import Synchronized

from bootstrap.errors import BackendError, BootstrapError
from bootstrap.puppets.train.fresh_drawings import FreshShard, ShardPlan, read_shard, write_shard
from bootstrap.store.files import make_folder, sweep_temporaries, write_atomic

AHEAD = 4
"""Shards for each process that may lie on disk before the training takes them."""
MOST_AT_ONCE = 12
"""Shards taken at one look, so that encoding them never holds a training up for long."""
_FIRST = "first.txt"  # number of the oldest shard that is kept
_PAUSE = 0.2  # seconds between two looks for a new shard, or for room for one


class DrawingStream:
    """Gives shard after shard, from the oldest that is on disk; keeps the newest `keep` of those given.

    With 0 `workers` this process draws a shard when it is asked for one. Use it in a `with` statement.
    """

    def __init__(self, plan: ShardPlan, workers: int, keep: int) -> None:
        """Find the shards on disk; the processes begin with `__enter__`."""
        self._plan, self._keep, self._workers = plan, keep, workers
        make_folder(plan.place)
        sweep_temporaries(plan.place)
        self.position = self._oldest()
        self._forget_before(self.position)
        context = multiprocessing.get_context("spawn")
        self._limit: Synchronized[int] = context.Value("q", 0)
        self._processes: list[SpawnProcess] = []
        for place in range(workers):
            given = (plan, range(self.position + place, sys.maxsize, workers), self._limit)
            self._processes.append(context.Process(target=_draw, args=given, daemon=True))
        self._allow()

    def __enter__(self) -> DrawingStream:
        with _one_thread_each():
            for process in self._processes:
                process.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()

    @property
    def ready(self) -> bool:
        """Whether the next shard lies on disk."""
        return self._plan.path(self.position).exists()

    def take(self) -> FreshShard | None:
        """The next shard, or None if it is not drawn yet.

        Raises:
            BackendError: a process that draws has ended.
            OutputError: the disk is full.
        """
        number = self.position
        if self.ready:
            shard = read_shard(number, self._plan)
        elif self._workers:
            self._check()
            return None
        else:
            shard = write_shard(number, self._plan)
        self.position += 1
        self._forget_before(self.position - self._keep)
        self._allow()
        return shard

    def wait(self) -> FreshShard:
        """The next shard; waits until it is drawn. Raises the errors of `take`."""
        while (shard := self.take()) is None:
            time.sleep(_PAUSE)
        return shard

    def new(self) -> Iterator[FreshShard]:
        """The shards that are there now, at most `MOST_AT_ONCE`; with 0 workers one. Raises the errors of `take`."""
        shard = self.take()
        if shard is not None:
            yield shard
        for _ in range(1, MOST_AT_ONCE):
            if not self.ready:
                return
            yield self.wait()

    def _allow(self) -> None:
        self._limit.value = self.position + AHEAD * self._workers

    def _check(self) -> None:
        for process in self._processes:
            if process.exitcode is not None:
                raise BackendError(
                    f"a process that draws has ended (exit code {process.exitcode})",
                    "start the same command again; use fewer --workers if memory is short",
                )

    def _oldest(self) -> int:
        """The shard to begin with, so that those on disk without a gap fill what is kept."""
        first = 0
        with contextlib.suppress(OSError, ValueError):
            first = int((self._plan.place / _FIRST).read_text(encoding="utf-8"))
        there = set(self._plan.numbers())
        end = first
        while end in there:
            end += 1
        return max(first, end - self._keep)

    def _forget_before(self, first: int) -> None:
        old = [number for number in self._plan.numbers() if number < first]
        if old:
            write_atomic(self._plan.place / _FIRST, str(first).encode())
        for number in old:
            self._plan.path(number).unlink(missing_ok=True)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start now compute in one thread, or their thread pools take the cores from each other."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        os.environ.pop("OMP_NUM_THREADS")
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before


def _draw(plan: ShardPlan, numbers: range, limit: Synchronized[int]) -> None:
    """Draw the shards `numbers` that are missing, none from `limit` on. Runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the training, and with it this process
    threading.Thread(target=_end_with_the_training, daemon=True).start()
    try:
        for number in numbers:
            while number >= limit.value:
                time.sleep(_PAUSE)
            if not plan.path(number).exists():
                write_shard(number, plan)
    except BootstrapError as error:
        sys.exit(str(error))


def _end_with_the_training() -> None:
    training = multiprocessing.parent_process()
    assert training is not None
    wait([training.sentinel])
    os._exit(1)
