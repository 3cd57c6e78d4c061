"""Which LoRA a run hands out, and what it found when it tried it: the decisions in force. Decides nothing."""

from __future__ import annotations

from bootstrap.records import Adapter
from bootstrap.store.decisions import Accepted, HandedOut
from bootstrap.store.store import Store

__all__ = ["ACCEPTANCE", "accepted_of", "finished_lora", "last_accepted"]

ACCEPTANCE = "acceptance.html"
"""The page of what was found, in a run."""


def accepted_of(store: Store, adapter: str) -> Accepted | None:
    """What was found of the weights of that id, the last time that they were tried."""
    found = [one for one in store.decisions(Accepted) if one.adapter == adapter]
    return found[-1] if found else None


def finished_lora(store: Store) -> Adapter | None:
    """The LoRA that a run hands out: the last that was trained on its set, unless the one before draws better."""
    finals = [adapter for adapter in store.adapters() if adapter.is_final]
    if not finals:
        return None
    chosen = store.decided(HandedOut, round=finals[-1].round)
    return next((one for one in finals if chosen and one.id == chosen.adapter), finals[-1])


def last_accepted(store: Store) -> Accepted | None:
    """What was found of the finished LoRA; None where there is none, or it was not tried."""
    finished = finished_lora(store)
    return accepted_of(store, finished.id) if finished else None
