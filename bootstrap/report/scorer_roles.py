"""Which scorers of a run ask who a picture shows. Reads the run's configuration; loads no model."""

from __future__ import annotations

from bootstrap.config import stored_config
from bootstrap.errors import ConfigError
from bootstrap.store.store import Store

__all__ = ["identity_scorers", "scorers_of"]


def identity_scorers(store: Store) -> list[str]:
    """The scorers that compare a picture with the seeds: those that select, then the held-out one.

    [] where the run has stored no readable configuration.
    """
    return [*scorers_of(store, "identity"), *scorers_of(store, "held-out")]


def scorers_of(store: Store, role: str) -> list[str]:
    """The scorers of a role; [] where the run has stored no readable configuration."""
    try:
        roles = stored_config(store.recall("config")).panel.roles
    except ConfigError:
        return []
    return [name for name, its_role in roles.items() if its_role == role]
