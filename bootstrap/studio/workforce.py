"""Who does a task of a run: a thread of this process with the run's own models, or a worker of the cluster.

A member does one task at a time. Knows no order of tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from bootstrap.studio.cluster import Cluster, failed_task, lost_worker
from bootstrap.studio.worker import Failure, raised

__all__ = ["LOST", "LocalMember", "RemoteMember", "Task", "TeamMember", "expected"]


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work that any member can do, with the same result.

    ``here`` prepares it in the thread that hands it out and returns what is done in another; ``there`` gives it to an
    actor and returns what the result is fetched by; ``name`` is what a person calls it.
    """

    name: str
    here: Callable[[], Callable[[], Any]]
    there: Callable[[Any], Any]


class _Lost:
    """The result of a task whose worker died."""


LOST = _Lost()


class TeamMember(Protocol):
    """Does one task at a time."""

    @property
    def idle(self) -> bool:
        """Whether it can be given a task."""

    @property
    def lost(self) -> bool:
        """Whether it died."""

    @property
    def began(self) -> bool:
        """Whether its process ran."""

    def start(self, task: Task) -> None:
        """Begin a task."""

    def finished(self) -> bool:
        """Whether its task has ended, whatever came of it."""

    def result(self) -> Any:
        """What came of its task: a value, a `Failure`, or `LOST`; it is idle again. Raises BackendError."""

    def close(self) -> None:
        """Let it go; what it works at is not waited for."""


class LocalMember:
    """This process: works in a thread, with the models that are loaded already."""

    lost, began = False, True

    def __init__(self, threads: int = 0) -> None:
        """Start no thread before the first task; ``threads`` is what torch computes with, 0 leaves it as it is."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="draws")
        self._work: Future[Any] | None = None
        self._threads = threads

    @property
    def idle(self) -> bool:
        """Whether it can be given a task."""
        return self._work is None

    def start(self, task: Task) -> None:
        """Begin a task."""
        self._work = self._pool.submit(_with_threads, self._threads, task.here())

    def finished(self) -> bool:
        """Whether its task has ended."""
        return self._work is not None and self._work.done()

    def result(self) -> Any:
        """What came of its task; raises what the task raised."""
        work, self._work = self._work, None
        return work.result() if work else LOST

    def close(self) -> None:
        """Wait for the thread: models must not be freed under it."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _with_threads(threads: int, work: Callable[[], Any]) -> Any:
    """What ``work`` gives, computed with so many threads of torch; what the process had is restored."""
    if not threads:
        return work()
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return work()
    finally:
        torch.set_num_threads(before)


class RemoteMember:
    """A worker of the cluster. It is idle once its process runs, which may be when a machine joins.

    ``process`` is the number of its process there, 0 before it runs.
    """

    def __init__(self, cluster: Cluster, make: Callable[[], Any]) -> None:
        """Ask for an actor; ``make`` returns one."""
        self._cluster, self.actor = cluster, make()
        self._work: Any = self.actor.ready.remote()
        self._joining, self.lost, self.process = True, False, 0

    @property
    def idle(self) -> bool:
        """Whether it can be given a task."""
        return self._work is None and not self.lost

    @property
    def began(self) -> bool:
        """Whether its process ran."""
        return bool(self.process)

    def start(self, task: Task) -> None:
        """Begin a task."""
        self._work = task.there(self.actor)

    def occupy(self, work: Any) -> None:
        """Let it be at ``work`` that it was given elsewhere."""
        self._work = work

    def finished(self) -> bool:
        """Whether its task has ended, or its process has begun."""
        if self._work is None:
            return False
        return bool(self._cluster.ray.wait([self._work], timeout=0)[0])

    def result(self) -> Any:
        """What came of its task; None when its process has begun."""
        work, self._work = self._work, None
        try:
            value = self._cluster.ray.get(work)
        except self._cluster.ray.exceptions.RayError as error:
            if lost_worker(self._cluster.ray, error):
                self.lost = True
                return LOST
            raise failed_task(error) from None
        if self._joining:
            self._joining, self.process = False, value
            return None
        return value

    def close(self) -> None:
        """End its process."""
        self._cluster.ray.kill(self.actor)


def expected(value: Any) -> Any:
    """A result, or the failure that the worker met, raised."""
    if isinstance(value, Failure):
        raise raised(value)
    return value
