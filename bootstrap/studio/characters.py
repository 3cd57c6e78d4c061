"""Working through a queue on a cluster: each character is a task, so many at once as there are cards for.

The queue's file stays the truth, and only this process writes it. A character whose worker died goes on elsewhere from
where it stopped; one that ended three workers is set aside. Knows no terminal.
"""

from __future__ import annotations

import math
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from bootstrap.errors import Interrupted
from bootstrap.machine.signals import handling_stops
from bootstrap.runs.queue import Entry, Queue, share_of
from bootstrap.runs.queue_work import Ended, SharedTime, record, within
from bootstrap.studio.character_process import NotShared, run_here
from bootstrap.studio.cluster import Cluster, failed_task, lost_machine, lost_worker
from bootstrap.studio.metrics import Metrics
from bootstrap.studio.team import DEADLY

__all__ = ["Night", "work_through_on"]

TELL_EVERY = 15.0
"""Seconds between two updates of the metrics."""
LOOK_EVERY = 0.2
"""Seconds between two looks at the characters under way."""


@dataclass
class Night:
    """A queue that is worked through on a cluster, ``share`` of a card for each character; ``report`` gets lines.

    ``metrics``, last told at ``told``, are what Ray shows of it.
    """

    cluster: Cluster
    queue: Queue
    time: SharedTime
    report: Callable[[str], None]
    share: float = 1.0
    at_once: int = 0
    metrics: Metrics | None = None
    told: float = 0.0
    under_way: dict[Any, Entry] = field(default_factory=dict)
    deaths: Counter[int] = field(default_factory=Counter)
    stopped_by: str = ""
    on_cards: bool = False
    """Whether cards were seen: from then on no character is begun on a processor, also when all cards have left."""

    def places(self) -> int:
        """Characters that are worked on at once: as many as the cluster has cards, or processors, for by now."""
        found = self.cluster.ray.cluster_resources()
        self.on_cards = self.on_cards or found.get("GPU", 0) > 0
        fitting = found.get("GPU", 0) / self.share if self.on_cards else found.get("CPU", 1)
        return self.at_once or max(1, int(fitting))

    def next(self) -> Entry | None:
        """The first entry to work on that is not under way; what was cut off comes first."""
        at_work = {entry.number for entry in self.under_way.values()}
        entries = [one for one in self.queue.entries() if one.number not in at_work]
        for state in ("running", "waiting"):
            for entry in entries:
                if entry.state == state:
                    return entry
        return None


def work_through_on(night: Night) -> None:
    """Run everything that waits, until the time is over. Raises Interrupted when a person stops it."""

    def stop(number: int, frame: object) -> None:
        night.stopped_by = signal.Signals(number).name
        for task in night.under_way:
            night.cluster.ray.cancel(task, force=False)

    with handling_stops(stop):
        while _begin(night) or night.under_way:
            _collect(night)
            _tell(night)
            sleep(LOOK_EVERY)
    if night.stopped_by:
        raise Interrupted(f"stopped by {night.stopped_by}")


def _begin(night: Night) -> bool:
    """Begin what there is place for; whether anything is left to begin."""
    while not night.stopped_by and (entry := night.next()) is not None:
        left = night.time.left
        if left is not None and left <= 0:
            if not night.under_way:
                night.report(f"the time is over; {night.queue.left()} still wait")
            return False
        if len(night.under_way) >= (places := night.places()):
            return True
        shared = None if left is None else share_of(left, math.ceil(night.queue.left() / places))
        words = within(entry.words, shared)
        night.queue.mark(entry.number, "running")
        night.report(f"── {entry.name}: begins")
        night.under_way[_task(night).remote(words, entry.folder, entry.run)] = entry
    return False


def _tell(night: Night) -> None:
    """Let Ray's metrics know where the characters stand, now and then."""
    now = monotonic()
    if night.metrics is not None and now - night.told > TELL_EVERY:
        night.metrics.tell(night.queue.entries())
        night.told = now


def _task(night: Night) -> Any:
    """A task that takes a share of a card, or a processor; it is begun again here and not by Ray."""
    taken = {"num_gpus": night.share, "num_cpus": 0} if night.on_cards else {"num_cpus": 1}
    return night.cluster.ray.remote(max_retries=0, **taken)(run_here)


def _collect(night: Night) -> None:
    """Store what became of the characters that have ended."""
    ray = night.cluster.ray
    ended, _ = (
        ray.wait([*night.under_way], num_returns=len(night.under_way), timeout=0) if night.under_way else ([], [])
    )
    for task in ended:
        entry = night.under_way.pop(task)
        try:
            ending = ray.get(task)
        except ray.exceptions.TaskCancelledError:
            night.queue.mark(entry.number, "waiting")
        except ray.exceptions.RayError as error:
            _broken(night, entry, error)
        else:
            _record(night, entry, ending)


def _record(night: Night, entry: Entry, ending: Ended | NotShared) -> None:
    if isinstance(ending, NotShared):
        night.queue.mark(entry.number, "failed", ending.why)
        night.report(f"── {entry.name}: {ending.why}")
        return
    record(night.queue, entry, ending)
    after = next(one for one in night.queue.entries() if one.number == entry.number)
    night.report(f"── {entry.name}: {after.state}{f' ({after.reason})' if after.reason else ''}")


def _broken(night: Night, entry: Entry, error: Exception) -> None:
    """A character whose task failed: it goes on elsewhere where its worker died, and is set aside after three.

    A machine that is gone is not the character's fault, and not counted.
    """
    if not lost_worker(night.cluster.ray, error):
        night.queue.mark(entry.number, "failed", failed_task(error).message)
        return
    if lost_machine(night.cluster.ray, error):
        night.report(f"── {entry.name}: its machine is gone; another one goes on")
        return
    night.deaths[entry.number] += 1
    if night.deaths[entry.number] >= DEADLY:
        reason = f"it ended {DEADLY} workers and is set aside"
        night.queue.mark(entry.number, "failed", reason)
        night.report(f"── {entry.name}: {reason}")
        return
    night.report(f"── {entry.name}: its worker died; another one goes on")
