"""What Ray tells Prometheus of the characters of a queue: pictures kept, round, seconds of work, characters by state.

Knows no task. Ray serves the numbers where it was installed with its extra "default".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bootstrap.errors import BootstrapError
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.queue import Entry
from bootstrap.runs.status import status
from bootstrap.store.run_folder import holds_database

__all__ = ["Metrics"]

PREFIX = "bootstrap"


class Metrics:
    """Gauges of a queue; ``gauge`` is ray.util.metrics.Gauge, or what takes its place."""

    def __init__(self, gauge: Any) -> None:
        """Register the gauges."""
        self._kept = gauge(f"{PREFIX}_kept", "pictures kept", tag_keys=("character",))
        self._round = gauge(f"{PREFIX}_round", "round", tag_keys=("character",))
        self._seconds = gauge(f"{PREFIX}_work_seconds", "seconds of work", tag_keys=("character",))
        self._states = gauge(f"{PREFIX}_characters", "characters of the queue", tag_keys=("state",))

    def tell(self, entries: Sequence[Entry]) -> None:
        """Set the gauges to where the characters stand; a run that cannot be read is passed over."""
        for state, count in Counter(entry.state for entry in entries).items():
            self._states.set(count, tags={"state": state})
        for entry in entries:
            if entry.state == "waiting":
                continue
            try:
                if not holds_database(Path(entry.run)):
                    continue
                with open_to_read(Path(entry.run)) as store:
                    facts = status(store)
            except BootstrapError:
                continue
            tags = {"character": entry.name}
            self._kept.set(facts["kept"], tags=tags)
            self._round.set(facts["now"]["round"], tags=tags)
            self._seconds.set(facts["total_seconds"], tags=tags)
