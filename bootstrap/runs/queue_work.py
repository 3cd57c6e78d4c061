"""Working through a queue: one character after another, each in a process of its own, the time shared evenly.

A process each, so that whatever happens to one, crash and kill included, the others have their turn. Knows no terminal:
lines for a person are handed to ``report``.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import sleep
from types import FrameType

from bootstrap.errors import BootstrapError, Interrupted, Paused
from bootstrap.machine.clock import Clock
from bootstrap.machine.limits import Limits, duration_of, next_time
from bootstrap.machine.signals import handling_stops
from bootstrap.runs.following import engine_is_running
from bootstrap.runs.listing import SOLO
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.queue import Entry, Queue, State, share_of
from bootstrap.runs.sessions import FINISHED, sessions
from bootstrap.store.run_folder import holds_database

__all__ = ["Ended", "SharedTime", "record", "run_process", "within", "work_through"]


class SharedTime:
    """The time that all characters of a queue share; no limit where none was given."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        """Start counting now."""
        self._clock, self._budget, self._began = clock, limits.budget, clock.awake()
        self._deadline: float | None = None
        if limits.until:
            now = datetime.fromtimestamp(clock.wall()).astimezone()
            self._deadline = next_time(limits.until, now).timestamp()

    @property
    def left(self) -> float | None:
        """Seconds that are left; None for no limit."""
        ends: list[float] = []
        if self._budget is not None:
            ends.append(self._budget - (self._clock.awake() - self._began))
        if self._deadline is not None:
            ends.append(self._deadline - self._clock.wall())
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its exit code, and the signal by which a person stopped it ("" for none)."""

    code: int
    stopped_by: str = ""


BUDGET = "--budget"
"""The option that limits one character; where it is given twice, the last counts."""
LOOK_EVERY = 2.0
"""Seconds between two looks at a process that is waited for."""
Start = Callable[[Sequence[str], str], Ended]
"""Runs the words of `bootstrap run` in a folder, and returns when that process has ended."""


def work_through(
    queue: Queue, time: SharedTime, start: Start, report: Callable[[str], None], pause: Callable[[float], None] = sleep
) -> None:
    """Run everything that waits, until the time is over. Raises Interrupted when a person stops it.

    A queue that was killed leaves its last character at work in a process of its own: that one is waited for.
    """
    while entry := queue.next():
        if _is_worked_on(entry, time):
            queue.mark(entry.number, "running")
            report(f"── {entry.name}: another process works on {entry.run}; waiting until it ends")
            while _is_worked_on(entry, time):
                pause(LOOK_EVERY)
        left = time.left
        if left is not None and left <= 0:
            report(f"the time is over; {queue.left()} still wait")
            return
        words = within(entry.words, None if left is None else share_of(left, queue.left()))
        queue.mark(entry.number, "running")
        report(f"── {entry.name}: {shlex.join(words)}")
        record(queue, entry, start(words, entry.folder))


def within(words: Sequence[str], seconds: float | None) -> list[str]:
    """The words of a character that has so many ``seconds``, or what its own --budget allows where that is less."""
    own = None
    for place, word in enumerate(words):
        value = words[place + 1] if word == BUDGET and place + 1 < len(words) else word.removeprefix(f"{BUDGET}=")
        if word == BUDGET or value != word:
            own = duration_of(value)
    if seconds is None or (own is not None and own <= seconds):
        return [*words]
    return [*words, BUDGET, f"{seconds:.0f}s"]


def _is_worked_on(entry: Entry, time: SharedTime) -> bool:
    """Whether another process works on a character, while there is time to wait for it."""
    if not engine_is_running(Path(entry.run)):
        return False
    left = time.left
    return left is None or left > 0


def run_process(words: Sequence[str], folder: str) -> Ended:
    """Run a character in a process of its own.

    Ctrl-C does not reach that process by itself: the first signal is handed on as SIGTERM, the second kills it.
    """
    command = [sys.executable, "-m", "bootstrap", "run", *words]
    received: list[str] = []
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True) as child:

        def hand_on(number: int, frame: FrameType | None) -> None:
            if received:
                child.kill()
            else:
                child.terminate()
            received.append(signal.Signals(number).name)

        with handling_stops(hand_on):
            code = child.wait()
    return Ended(code, received[0] if received else "")


def record(queue: Queue, entry: Entry, ended: Ended) -> None:
    """Store what became of a character; one that a person stopped waits again."""
    state, reason = _outcome(ended.code, Path(entry.run))
    if not ended.stopped_by:
        queue.mark(entry.number, state, reason)
        return
    queue.mark(entry.number, "done" if state == "done" else "waiting")
    raise Interrupted(f"stopped by {ended.stopped_by}")


def _outcome(code: int, run: Path) -> tuple[State, str]:
    """What an exit code means for a character, and the reason as its run stored it."""
    if code == 0:
        return "done", ""
    if code < 0:
        return "failed", f"killed by {signal.Signals(-code).name}"
    if code == Paused.exit_code:
        return "asks", _reason(run)
    if engine_is_running(run):  # it began a moment earlier: waited for, then tried again
        return "waiting", ""
    return "failed", _reason(run) or f"exit code {code}"


def _reason(run: Path) -> str:
    """Why the last session of a run ended, or of the member of a couple at which it stopped; "" where none says."""
    if not holds_database(run):
        members = [one for one in (run / SOLO).glob("*") if holds_database(one)]
        return _reason(max(members, key=lambda one: one.stat().st_mtime)) if members else ""
    with contextlib.suppress(BootstrapError), open_to_read(run) as store:
        past = sessions(store)
        if past and past[-1].why != FINISHED:
            return past[-1].why
    return ""
