"""The encoder of a run's identity scorers, by fingerprint: what another process needs to find its cached features."""

from __future__ import annotations

from bootstrap.store.store import Store

__all__ = ["encoder_of", "remember_encoder"]

FACT = "encoder"


def remember_encoder(store: Store, fingerprint: str) -> None:
    """Store which encoder the run works with."""
    if store.recall(FACT) != fingerprint:
        store.remember(FACT, fingerprint)


def encoder_of(store: Store) -> str | None:
    """The fingerprint of the run's encoder; None where no run has opened its models yet."""
    return store.recall(FACT)
