"""Time for a run that is left alone: work counts while the machine is awake, the wall clock is read for deadlines.

A laptop that slept and a clock that was set look alike to a program that reads the wall clock only. Two steady clocks
distinguish them: one of them stands still while the machine sleeps. Knows no run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Clock", "Gap"]

NOTICED = 30.0
"""Seconds that the machine must have slept, or the wall clock must have moved, to be reported."""
Reading = Callable[[], float]


def _awake() -> float:
    """Seconds of a steady clock that stands still while the machine sleeps."""
    if sys.platform == "win32":  # pragma: no cover
        import ctypes

        ticks = ctypes.c_ulonglong()
        ctypes.windll.kernel32.QueryUnbiasedInterruptTime(ctypes.byref(ticks))
        return ticks.value / 1e7  # of 100 ns
    return time.monotonic()  # Linux and macOS leave sleep out


def _elapsed() -> float:
    """Seconds of a steady clock that goes on while the machine sleeps."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":  # pragma: no cover
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()  # pragma: no cover


@dataclass(frozen=True, slots=True)
class Gap:
    """What came between two looks at the clock: seconds asleep, and seconds by which the wall clock was moved."""

    slept: float = 0.0
    moved: float = 0.0


@dataclass
class Clock:
    """Three readings in seconds: ``awake`` and ``elapsed`` only ever grow, ``wall`` (since 1970) can be moved."""

    awake: Reading = _awake
    elapsed: Reading = _elapsed
    wall: Reading = time.time
    _last: tuple[float, float, float] | None = field(default=None, init=False, repr=False)

    def look(self) -> Gap:
        """What came between the last look and this one; both parts are 0.0 when they are too short to matter."""
        now = self.awake(), self.elapsed(), self.wall()
        before, self._last = self._last or now, now
        awake, elapsed, wall = (new - old for new, old in zip(now, before, strict=True))
        return Gap(_noticed(elapsed - awake), _noticed(wall - elapsed))


def _noticed(seconds: float) -> float:
    """The seconds, 0.0 where they are too short to matter."""
    return seconds if abs(seconds) >= NOTICED else 0.0
