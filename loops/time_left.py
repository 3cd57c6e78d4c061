"""The hours that a person gave a run: how many are left, counted over all processes that worked on it.

Work is counted while the machine is awake; a time of day is read from the wall clock, once, and stored, so that a run
that goes on after a kill keeps its deadline. Decides nothing: `loops.budget` does.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bootstrap.machine.clock import Clock
from bootstrap.machine.limits import Limits, next_time
from bootstrap.store.store import Store

__all__ = ["WORKED", "Hours"]

WORKED = "worked"
"""The fact that holds the seconds which all processes so far have worked under a budget."""
STILL_MEANT = timedelta(hours=4)
"""A deadline that passed no longer ago than this was meant for the night that is being continued."""
SAVED_EVERY = 20.0
"""Seconds between two notes of the time worked: what a kill may take back."""


class Hours:
    """Seconds left by the wish of a person. ``key`` names that wish: another one is decided upon anew."""

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        """Count from now on, after what earlier processes have worked. Raises OutputError."""
        self._store, self._clock, self._budget = store, clock, limits.budget
        self._deadline = _deadline(store, limits.until, clock) if limits.until else None
        self._before = float(store.recall(WORKED) or 0.0)
        self._began = self._saved = clock.awake()
        until = self._deadline.isoformat(timespec="minutes") if self._deadline else ""
        self.key = " ".join(filter(None, (f"{limits.budget:.0f}s" if limits.budget else "", until)))

    @property
    def worked(self) -> float:
        """Seconds of work over all processes."""
        return self._before + self._clock.awake() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left, below 0 when they are over."""
        ends = [] if self._budget is None else [self._budget - self.worked]
        ends += [] if self._deadline is None else [self._deadline.timestamp() - self._clock.wall()]
        return min(ends)

    def save(self) -> None:
        """Note the time worked, now and then."""
        now = self._clock.awake()
        if now - self._saved >= SAVED_EVERY:
            self._saved = now
            self._store.remember(WORKED, f"{self.worked:.1f}")


def _deadline(store: Store, until: str, clock: Clock) -> datetime:
    """The stored moment of the night that is being continued, or the next one at which clocks show ``until``."""
    now, name = datetime.fromtimestamp(clock.wall()).astimezone(), f"until {until}, night "
    nights = [one for one in store.decisions() if one.name.startswith(name)]
    if nights and (stored := datetime.fromisoformat(nights[-1].value)) > now - STILL_MEANT:
        return stored
    fresh = next_time(until, now).isoformat()
    return datetime.fromisoformat(store.decide(f"{name}{len(nights) + 1}", fresh))
