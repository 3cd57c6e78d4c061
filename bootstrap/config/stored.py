"""The configuration that a run has remembered, also one of an earlier version. Knows no store: texts only."""

from __future__ import annotations

import json
from typing import Any

from bootstrap.config.merging import merged
from bootstrap.config.problems import validated
from bootstrap.config.renamed import translated
from bootstrap.config.run_settings import RunConfig
from bootstrap.config.shipped_files import read_section
from bootstrap.config.stored_panel import listed_panel
from bootstrap.errors import ConfigError

__all__ = ["stored_called", "stored_config", "stored_settings"]

EARLIER_KIND = "character"
"""The only kind of subject of runs that have not stored their axes."""


def stored_config(text: str | None) -> RunConfig:
    """The RunConfig that a run has remembered as JSON. Raises ConfigError where it cannot be read any more."""
    return validated(RunConfig, stored_settings(text), "the stored configuration", ConfigError)


def stored_called(text: str | None) -> str:
    """What a run calls its subject, also where the rest of its settings cannot be read any more: "character"."""
    try:
        subject = stored_settings(text).get("subject", {})
    except ConfigError:
        return EARLIER_KIND
    return str(subject.get("called", EARLIER_KIND))


def stored_settings(text: str | None) -> dict[str, Any]:
    """The same as plain settings under the names of today, not validated. Raises ConfigError for what is no JSON."""
    try:
        plain = json.loads(text or "")
    except ValueError:
        plain = None
    if not isinstance(plain, dict):
        raise ConfigError("the stored configuration cannot be read", "use another --out")
    current = translated(plain)
    current.get("loop", {}).pop("drawing_weights", None)  # a weight cannot be translated into a start
    if "scorers" not in current.get("panel", {}):
        current["panel"] = listed_panel(current.get("panel", {}))
    if "phases" not in current.get("subject", {}):
        current["subject"] = _completed(current.get("subject", {}))
    return current


def _completed(subject: dict[str, Any]) -> dict[str, Any]:
    """The subject of a run that was begun when its kind was code: the shipped kind with the run's own settings."""
    own = {name: value for name, value in subject.items() if name != "defaults"}
    return merged(read_section("subjects", EARLIER_KIND), own)
