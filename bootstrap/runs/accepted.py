"""What a run found when it tried its finished LoRA: the decision in force, as others read it. Decides nothing."""

from __future__ import annotations

from bootstrap.store.decisions import Accepted
from bootstrap.store.store import Store

__all__ = ["accepted_of", "last_accepted"]


def accepted_of(store: Store, adapter: str) -> Accepted | None:
    """What was found of the weights of that id, the last time that they were tried."""
    found = [one for one in store.decisions(Accepted) if one.adapter == adapter]
    return found[-1] if found else None


def last_accepted(store: Store) -> Accepted | None:
    """What was found of the finished LoRA; None where there is none, or it was not tried."""
    finals = [adapter.id for adapter in store.adapters() if adapter.is_final]
    return accepted_of(store, finals[-1]) if finals else None
