"""What a round is for, as a record. Knows no store."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.records import Phase, Round

__all__ = ["RoundPlan"]


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """What a round is for: its number, its phase, and how many kept frames it aims at.

    ``drawn_by`` is the earlier round whose adapter draws: after a drift, or because it draws better; None: the round's
    own.
    """

    number: int
    phase: Phase
    goal: int
    drawn_by: Round | None = None
