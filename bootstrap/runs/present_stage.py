"""How far the stage is that a process works on, as it wrote it down: steps of a training, pictures, seconds left.

A file beside the store (see `bootstrap.listeners.progress_file`): a hint that a killed process leaves behind. Whoever
reads it knows whether a process works on the run.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bootstrap.runs.standing import Standing

__all__ = ["PROGRESS", "PresentStage", "present_stage", "with_progress"]

PROGRESS = "progress.json"
FRESH = 3600.0
"""Seconds after which a stage that moved no more is not believed: one picture on a slow machine takes minutes."""


@dataclass(frozen=True, slots=True)
class PresentStage:
    """A stage, what is done of it, and when: it stood at ``first`` at ``began`` and at ``done`` at ``at`` (1970)."""

    stage: str
    done: int
    total: int
    detail: str
    first: int
    began: float
    at: float

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def left(self, now: float) -> float | None:
        """Seconds that the rest takes at the pace so far; None before anything is done."""
        if self.done <= self.first:
            return None
        pace = (self.at - self.began) / (self.done - self.first)
        return max(0.0, pace * (self.total - self.done) - (now - self.at))


def present_stage(run: Path) -> PresentStage | None:
    """What the process that works on a run wrote last; None where there is nothing to read."""
    try:
        return PresentStage(**json.loads((run / PROGRESS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def with_progress(run: Path, counted: Standing) -> Standing:
    """Where a run stands by its store, and within the stage by what its process wrote; for a run at work."""
    now, found = time.time(), present_stage(run)
    if found is None or now - found.at > FRESH or counted.stage == "finished":
        return counted
    if found.total and found.done >= found.total:  # it is done, and the next has not begun
        return counted
    return replace(counted, stage=found.stage, done=found.done, total=found.total, left=found.left(now))
