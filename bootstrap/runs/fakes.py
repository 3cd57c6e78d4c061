"""Runs on the fake backend, which paints without a model: whatever shows such a run says so."""

from __future__ import annotations

from bootstrap.config import RunConfig, stored_config
from bootstrap.errors import ConfigError
from bootstrap.store.store import Store

__all__ = ["FAKE", "fake_note"]

FAKE = "fake run: its pictures are painted without a model, and its LoRA draws nothing"


def fake_note(run: Store | RunConfig) -> str:
    """The sentence that a fake run is shown with; "" for any other run."""
    try:
        config = run if isinstance(run, RunConfig) else stored_config(run.recall("config"))
    except ConfigError:
        return ""
    return FAKE if config.backend == "fake" else ""
