"""How far the present stage of a run is, in a small file for other processes: the same hint as the terminal's bar.

The file is a hint and no result: it is not forced to disk, and it goes when the process ends.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from bootstrap.events import Event, Progress
from bootstrap.runs.present_stage import PROGRESS, PresentStage

__all__ = ["ProgressFile"]


class ProgressFile:
    """A listener: call it with events, and close it at the end."""

    every = 0.5
    """Seconds between two writings within a stage."""

    def __init__(self, run: Path, clock: Callable[[], float] = time.time) -> None:
        """Write into the folder of a run; ``clock`` gives seconds since 1970."""
        self._path, self._clock = run / PROGRESS, clock
        self._began: Progress | None = None
        self._since = self._written = 0.0

    def __call__(self, event: Event) -> None:
        """Note one event."""
        if not isinstance(event, Progress):
            return
        now = self._clock()
        first = self._began
        if first is None or first.stage != event.stage or event.done < first.done:
            first = self._began = event
            self._since = now
        elif now - self._written < self.every and event.done < event.total:
            return
        self._written = now
        stage = PresentStage(event.stage, event.done, event.total, event.detail, first.done, self._since, now)
        beside = self._path.with_suffix(".part")
        with contextlib.suppress(OSError):  # a full disk is told where it matters
            beside.write_text(json.dumps(stage.plain()), encoding="utf-8")
            beside.replace(self._path)

    def close(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
