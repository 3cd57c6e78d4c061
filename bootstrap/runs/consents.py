"""What a person must agree to before a drawer from outside draws: pictures that leave this machine, a licence.

Asked once: what was agreed to is a fact of the run. Loads no model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.config import RunConfig
from bootstrap.errors import ConfigError
from bootstrap.readers.reader_settings import reader_named
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.store.run_folder import holds_database
from bootstrap.store.store import Store

__all__ = ["Consent", "consents_of_run", "consents_to", "consents_to_reader", "remember_consents", "unanswered"]

FACT = "consents"


@dataclass(frozen=True, slots=True)
class Consent:
    """What must be agreed to, the option that does so, and how it is called where it is stored."""

    what: str
    option: str
    stored: str


def consents_of_run(config: RunConfig) -> list[Consent]:
    """What the drawers and the readers of a run need consent for. Raises ConfigError."""
    found = consents_to(config.drawers)
    for name in config.readers:
        found += consents_to_reader(name)
    return found


def consents_to(drawers: Sequence[DrawerSettings]) -> list[Consent]:
    """What the drawers of a run that are not the base need consent for."""
    found = []
    for drawer in drawers:
        found += _consents(drawer)
    return found


def consents_to_reader(name: str) -> list[Consent]:
    """What a reader of a run needs consent for ("": there is none). Raises ConfigError."""
    settings = reader_named(name) if name else None
    if settings is None or not settings.away:
        return []
    what = f'the reader "{settings.name}" sends your pictures and words to {settings.away}'
    return [Consent(what, "--allow-upload", f"upload to {settings.away}")]


def _consents(drawer: DrawerSettings) -> list[Consent]:
    found = []
    if drawer.away:
        what = f'the drawer "{drawer.name}" sends your pictures and words to {drawer.away}'
        found.append(Consent(what, "--allow-upload", f"upload to {drawer.away}"))
    if not drawer.commercial:
        licence = f'"{drawer.license}"' if drawer.license else "of its weights"
        terms = f": {drawer.outputs}" if drawer.outputs else ""
        what = f'the licence {licence} of the drawer "{drawer.name}" allows no commercial use{terms}'
        found.append(Consent(what, "--accept-licence", f"licence {drawer.license} of {drawer.name}"))
    return found


def unanswered(needed: Sequence[Consent], options: Sequence[str], directory: Path) -> list[ConfigError]:
    """An error for each consent that neither an option gives nor the run in ``directory`` has stored."""
    if not needed:
        return []
    stored: list[str] = []
    if holds_database(directory):
        with open_to_read(directory) as store:
            stored = _stored(store)
    errors = []
    for one in needed:
        if one.option not in options and one.stored not in stored:
            errors.append(ConfigError(one.what, f"agree with {one.option}; it is asked once a run"))
    return errors


def remember_consents(store: Store, given: Sequence[Consent]) -> None:
    """Store what was agreed to."""
    stored = _stored(store)
    fresh = [one.stored for one in given if one.stored not in stored]
    if fresh:
        store.remember(FACT, json.dumps([*stored, *fresh]))


def _stored(store: Store) -> list[str]:
    return list(json.loads(store.recall(FACT) or "[]"))
