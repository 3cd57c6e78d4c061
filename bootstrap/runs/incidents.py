"""What interrupted or disturbed a run, and how the run dealt with it. Reads a store; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bootstrap.events import Incident
from bootstrap.runs.sessions import FINISHED, Session, sessions
from bootstrap.store.store import Store

__all__ = ["UNDELIVERED", "IncidentLine", "incidents"]

UNDELIVERED = "undelivered"
"""The fact that says which notifications were not delivered; it is no event, because a run does not depend on it."""


@dataclass(frozen=True, slots=True, order=True)
class IncidentLine:
    """One incident: when (UTC, ISO 8601; "" if unknown), its kind, and a sentence about it."""

    at: str
    kind: str
    text: str


def incidents(store: Store) -> list[IncidentLine]:
    """Stored incidents, and each time that a process ended before the run was finished; oldest first."""
    log = store.log()
    lines = []
    for row in log:
        if row["kind"] == Incident.__name__:
            lines.append(IncidentLine(row["at"], row["what"], row["text"]))
    for earlier, later in pairwise(sessions(store)):
        if earlier.why != FINISHED:
            lines.append(_broken_off(earlier, later, log))
    return sorted(lines)


def _broken_off(earlier: Session, later: Session, log: Sequence[dict[str, Any]]) -> IncidentLine:
    """A session that ended before the run was finished, and when the ``later`` one continued it."""
    continued = later.began.replace("T", " ")[:16]
    outcome = f"went on at {continued}, nothing finished was lost"
    if earlier.ended:
        return IncidentLine(earlier.ended, "stopped", f"{earlier.why}; {outcome}")
    last_event = _last_event(earlier, later, log)
    return IncidentLine(last_event, "stopped", f"cut off: killed, or the power failed; {outcome}")


def _last_event(earlier: Session, later: Session, log: Sequence[dict[str, Any]]) -> str:
    """When a session that could not record its end stored its last event."""
    latest = earlier.began
    for row in log:
        if earlier.began <= row["at"] < later.began:
            latest = max(latest, row["at"])
    return latest
