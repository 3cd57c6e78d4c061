"""The approval between rounds as rows: its setting, changeable while a run works, and a person's permission to go on.

Knows a store and nothing else; who waits, and for how long, is decided by the loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bootstrap.config import APPROVAL_SETTING
from bootstrap.errors import UsageError
from bootstrap.store.decisions import ApprovalOpened, ApprovalRequested, RoundApproved
from bootstrap.store.store import Store

__all__ = [
    "ApprovalSetting",
    "adopt_configured",
    "approval_of",
    "open_waiting_round",
    "parse_approval",
    "set_approval",
    "waiting_round",
]

SETTING, CONFIGURED = "approval", "approval_configured"
"""Facts: the setting in force, and the configured one that it was last taken from."""
SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class ApprovalSetting:
    """How a round is approved: by itself, by a person, or by a person or the clock after ``seconds``."""

    kind: Literal["auto", "human", "timed"]
    seconds: float = 0.0

    def deadline(self, request: ApprovalRequested) -> datetime:
        """When a round of a timed approval goes on by itself."""
        return datetime.fromisoformat(request.since) + timedelta(seconds=self.seconds)


def parse_approval(text: str) -> ApprovalSetting:
    """``auto``, ``human`` or ``timed:<number>h|m|s``. Raises UsageError for anything else."""
    if not re.fullmatch(APPROVAL_SETTING, text):
        raise UsageError(f'the approval "{text[:40]}" is unknown', "give auto, human, or timed with a time: timed:2h")
    kind, _, time = text.partition(":")
    if kind == "timed":
        return ApprovalSetting("timed", float(time[:-1]) * SECONDS[time[-1]])
    return ApprovalSetting("human" if kind == "human" else "auto")


def approval_of(store: Store, configured: str) -> ApprovalSetting:
    """The approval of a run: what a person set last, else what is ``configured``."""
    return parse_approval(store.recall(SETTING) or configured)


def adopt_configured(store: Store, configured: str) -> None:
    """Adopt the setting that a run was begun or continued with; the same one again leaves what a person set since."""
    if store.recall(CONFIGURED) != configured:
        store.remember(CONFIGURED, configured)
        store.remember(SETTING, configured)


def set_approval(store: Store, text: str) -> ApprovalSetting:
    """Set the approval from now on, also of a run that works or waits. Raises UsageError."""
    setting = parse_approval(text)
    store.remember(SETTING, text)
    return setting


def waiting_round(store: Store) -> int | None:
    """The round that waits for approval now, its process at work or gone; None if none does."""
    ended = [one for one in store.rounds() if one.outcome is not None]
    if not ended:
        return None
    number = ended[-1].number
    requested = store.decided(ApprovalRequested, round=number)
    approved = store.decided(RoundApproved, round=number)
    return number if requested and not approved else None


def open_waiting_round(store: Store) -> int | None:
    """Let the round that waits go on; returns its number, None where none waits."""
    number = waiting_round(store)
    if number is not None:
        store.decide(ApprovalOpened(number))
    return number
