"""Which scorers of a run ask who a picture shows. Reads the run's configuration; loads no model."""

from __future__ import annotations

from bootstrap.store.store import Store

__all__ = ["identity_scorers"]


def identity_scorers(store: Store) -> list[str]:
    """The scorers that compare a picture with the seeds, those that choose first, then the held-out one."""
    return ["clip", "face", "ccip", "dino", "held-out"]
