"""Following a run that another process works on: its new events, and where it stands, until it ends.

Reads the store beside the engine and never disturbs it. Knows no terminal.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.events import Event
from bootstrap.runs.standing import Standing, finished, standing
from bootstrap.store.store import LOCK, Store

__all__ = ["Glance", "follow", "somebody_works"]


@dataclass(frozen=True, slots=True)
class Glance:
    """The events since the last glance, where the run stands, and whether anybody works on it."""

    fresh: list[Event]
    standing: Standing
    working: bool


def follow(
    store: Store,
    working: Callable[[], bool],
    every: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Glance]:
    """A glance every so many seconds; the last one is the end: finished, or with nobody at work.

    ``working`` is asked before the events are read, so that an engine's last events are never missed.
    """
    seen = 0
    while True:
        at_work = working()
        events = store.events()
        fresh, seen = events[seen:], len(events)
        yield Glance(fresh, standing(store), at_work)
        if finished(events) or not at_work:
            return
        sleep(every)


def somebody_works(run: Path) -> bool:
    """Whether a process holds the lock of a run; it is the system's own, so a killed engine does not count.

    Where nobody holds it, it is taken for an instant: a watcher ends then, so that an engine which begins just now is
    not kept out twice.
    """
    lock = run / LOCK
    if not lock.is_file():
        return False
    try:
        import fcntl
    except ImportError:  # pragma: no cover
        return _locked_on_windows(lock)
    with contextlib.suppress(OSError), lock.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _locked_on_windows(lock: Path) -> bool:  # pragma: no cover
    from bootstrap.errors import OutputError
    from bootstrap.store.lock import ProcessLock

    try:
        ProcessLock(lock).release()
    except OutputError:
        return True
    return False
