"""The gate between rounds as a person sees it: its setting, changeable while a run works, and the word to go on.

Rows in a store and nothing else: who waits, and how long, is the loop's.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bootstrap.config import GATE_SETTING
from bootstrap.errors import UsageError
from bootstrap.store.store import Store

__all__ = ["Closed", "GateSetting", "ask_for", "closed_round", "gate_of", "let_go_on", "parse_gate", "set_gate"]

FACT, ASKED = "gate", "gate-asked"
SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class GateSetting:
    """How a round's gate opens: by itself, by a person, or by a person or after ``seconds``."""

    kind: Literal["auto", "human", "timed"]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Closed:
    """A gate that was closed: when (UTC), and the last row of a person by then."""

    at: datetime
    spoken: int

    def until(self, setting: GateSetting) -> datetime:
        """When a timed gate opens."""
        return self.at + timedelta(seconds=setting.seconds)

    @property
    def text(self) -> str:
        """As a decision stores it."""
        return json.dumps({"at": self.at.isoformat(timespec="seconds"), "spoken": self.spoken})

    @classmethod
    def of(cls, text: str) -> Closed:
        """What `text` wrote."""
        plain = json.loads(text)
        return cls(datetime.fromisoformat(plain["at"]), plain["spoken"])


def parse_gate(text: str) -> GateSetting:
    """``auto``, ``human`` or ``timed:<number>h|m|s``. Raises UsageError for anything else."""
    if not re.fullmatch(GATE_SETTING, text):
        raise UsageError(f'the gate "{text[:40]}" is unknown', "give auto, human, or timed with a time: timed:2h")
    kind, _, time = text.partition(":")
    if kind == "timed":
        return GateSetting("timed", float(time[:-1]) * SECONDS[time[-1]])
    return GateSetting("human" if kind == "human" else "auto")


def gate_of(store: Store, configured: str) -> GateSetting:
    """The gate of a run: what a person set last, else what is ``configured``."""
    return parse_gate(store.recall(FACT) or configured)


def ask_for(store: Store, configured: str) -> None:
    """Take up the setting that a run was begun or continued with; the same again leaves what a person set since."""
    if store.recall(ASKED) != configured:
        store.remember(ASKED, configured)
        store.remember(FACT, configured)


def set_gate(store: Store, text: str) -> GateSetting:
    """Set the gate from now on, also of a run that works or waits. Raises UsageError."""
    setting = parse_gate(text)
    store.remember(FACT, text)
    return setting


def closed_round(store: Store) -> int | None:
    """The round whose gate is closed now: it waits, or its process left; None if none does."""
    rounds = [one for one in store.rounds() if one.outcome is not None]
    number = rounds[-1].number if rounds else 0
    known = store.decision(f"gate-closed-r{number:02d}") and not store.decision(f"gate-r{number:02d}")
    return number if known else None


def let_go_on(store: Store) -> int | None:
    """Say that the round which waits may go on; returns its number, None where none waits."""
    number = closed_round(store)
    if number is not None:
        store.decide(f"gate-open-r{number:02d}", "person")
    return number
