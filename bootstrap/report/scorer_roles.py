"""Which scorers of a run ask who a picture shows. Reads the run's configuration; loads no model."""

from __future__ import annotations

from bootstrap.config import stored_config
from bootstrap.errors import ConfigError
from bootstrap.store.store import Store

__all__ = ["identity_scorers"]


def identity_scorers(store: Store) -> list[str]:
    """The scorers that compare a picture with the seeds: those that select, then the held-out one.

    [] where the run has stored no readable configuration.
    """
    try:
        roles = stored_config(store.recall("config")).panel.roles
    except ConfigError:
        return []
    found = [name for name, role in roles.items() if role == "identity"]
    found += [name for name, role in roles.items() if role == "held-out"]
    return found
