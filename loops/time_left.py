"""The hours that a person gave a run: how many are left, counted over all processes that worked on it.

Work is counted while the machine is awake; a time of day is read from the wall clock, once, and stored, so that a run
that goes on after a kill keeps its deadline. Decides nothing: `loops.budget` does.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bootstrap.machine.clock import Clock
from bootstrap.machine.limits import Limits, next_time
from bootstrap.store.decisions import Deadline
from bootstrap.store.store import Store

__all__ = ["SECONDS_WORKED", "Hours"]

SECONDS_WORKED = "seconds_worked"
"""The fact that holds the seconds which all processes so far have worked under a budget."""
STILL_VALID = timedelta(hours=4)
"""A deadline that passed no longer ago than this belongs to the night that is being continued."""
SAVED_EVERY = 20.0
"""Seconds between two savings of the time worked: what a kill may take back."""


class Hours:
    """Seconds left of what a person allowed. ``key`` names the limits: under others everything is decided anew."""

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        """Count from now on, after what earlier processes have worked. Raises OutputError."""
        self._store, self._clock, self._budget = store, clock, limits.budget
        self._deadline = _deadline(store, limits.until, clock) if limits.until else None
        self._before = float(store.recall(SECONDS_WORKED) or 0.0)
        self._began = self._saved = clock.awake()
        parts = []
        if limits.budget:
            parts.append(f"{limits.budget:.0f}s")
        if self._deadline:
            parts.append(self._deadline.isoformat(timespec="minutes"))
        self.key = " ".join(parts)

    @property
    def worked(self) -> float:
        """Seconds of work over all processes."""
        return self._before + self._clock.awake() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left, below 0 when they are over."""
        left = []
        if self._budget is not None:
            left.append(self._budget - self.worked)
        if self._deadline is not None:
            left.append(self._deadline.timestamp() - self._clock.wall())
        return min(left)

    def save(self) -> None:
        """Store the time worked, now and then."""
        now = self._clock.awake()
        if now - self._saved >= SAVED_EVERY:
            self._saved = now
            self._store.remember(SECONDS_WORKED, f"{self.worked:.1f}")


def _deadline(store: Store, until: str, clock: Clock) -> datetime:
    """The stored moment of the night that is being continued, or the next one at which clocks show ``until``."""
    now = datetime.fromtimestamp(clock.wall()).astimezone()
    nights = [one for one in store.decisions(Deadline) if one.until == until]
    if nights:
        stored = datetime.fromisoformat(nights[-1].at)
        if stored > now - STILL_VALID:
            return stored
    fresh = store.decide(Deadline(until, len(nights) + 1, next_time(until, now).isoformat()))
    return datetime.fromisoformat(fresh.at)
