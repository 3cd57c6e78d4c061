"""Following a run that another process works on: its new events and its present stage, until it ends.

Reads the store beside the engine and never disturbs it. Knows no terminal.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.events import Event
from bootstrap.runs.present_stage import with_progress
from bootstrap.runs.standing import Standing, finished, standing
from bootstrap.store.store import LOCK, Store

__all__ = ["RunUpdate", "engine_is_running", "follow"]


@dataclass(frozen=True, slots=True)
class RunUpdate:
    """The events since the last update, the present stage, and whether an engine works on the run."""

    new_events: list[Event]
    standing: Standing
    running: bool


def follow(
    store: Store,
    running: Callable[[], bool],
    every: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[RunUpdate]:
    """An update every so many seconds; the last one is the end: the run is finished, or no engine works on it.

    ``running`` is called before the events are read, so that an engine's last events are never missed.
    """
    seen = 0
    while True:
        still_running = running()
        events = store.events()
        new_events = events[seen:]
        seen = len(events)
        stands = standing(store)
        if still_running:
            stands = with_progress(store.directory, stands)
        yield RunUpdate(new_events, stands, still_running)
        if finished(events) or not still_running:
            return
        sleep(every)


def engine_is_running(run: Path) -> bool:
    """Whether a process holds the lock of a run; the operating system owns the lock, so a killed engine has lost it.

    Where no process holds it, the test takes it for an instant, as a shared lock. A watcher ends then, so an engine
    that starts at that moment is kept out at most once.
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
