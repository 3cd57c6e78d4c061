"""The scorers of a run: their roles, what each measures, and how its values are read. Loads no model.

Reads the run's configuration and knows no scorer by name: what one measures is the first line of its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap.config import RunConfig, stored_config
from bootstrap.errors import ConfigError
from bootstrap.store.store import Store
from scoring.scorers import SCORERS
from scoring.second_look import PAIR_DEFECTS, PAIR_JUDGE
from scoring.settings import About, Role

__all__ = ["READINGS", "ScorerText", "identity_scorers", "scorer_texts", "scorers_of"]

READINGS: Mapping[Role, str] = {
    "identity": (
        "Likeness to the seeds, in this scorer's own unit, so only its place among the decoys of the same views counts."
        " Good: higher than nearly all of them. It selects."
    ),
    "held-out": (
        "Likeness to the seeds by an encoder that never selects, −1 to 1. Good: kept pictures stand above the decoys,"
        " and it holds or rises over the rounds."
    ),
    "check": "Good: 0 or more. Below 0 the picture is rejected.",
    "caption": "Good: 0 or more. Below 0 the caption leaves the tag out; the picture is not rejected.",
    "quality": "Larger is better. It only decides between pictures that are equal in all else.",
}
"""Role → the range of its values and which of them are good."""
SUBJECT = "Good: 0 or more. Each run sets the limit of each view family, at 0 or below, by what its base can draw."
"""The same for a check of the subject's traits."""
BESIDE_A_SEED = "Whether a model that reads pictures takes a frame and a seed for the same character, 0 to 100."
DEFECTS_NAMED = (
    "Whether that model names no defect that it names surely more often on undecided frames than on kept ones."
)


@dataclass(frozen=True, slots=True)
class ScorerText:
    """A scorer in words: what it ``measures`` and how its values are read."""

    name: str
    role: Role
    about: About
    measures: str
    reading: str


def identity_scorers(store: Store) -> list[str]:
    """The scorers that compare a picture with the seeds: those that select, then the held-out one.

    [] where the run has stored no readable configuration.
    """
    return [*scorers_of(store, "identity"), *scorers_of(store, "held-out")]


def scorers_of(store: Store, role: str) -> list[str]:
    """The scorers of a role; [] where the run has stored no readable configuration."""
    return [name for name, text in scorer_texts(store).items() if text.role == role]


def scorer_texts(store: Store) -> dict[str, ScorerText]:
    """Every scorer of the panel by its name, in order; {} where the run has stored no readable configuration."""
    config = _config(store)
    panel, found = config.panel if config else None, dict[str, ScorerText]()
    for name, settings in panel.in_use.items() if panel else ():
        reading = READINGS[settings.role]
        if settings.role == "check" and settings.about == "subject":
            reading = SUBJECT
        found[name] = ScorerText(name, settings.role, settings.about, _first_line(settings.kind), reading)
    if config and config.judge:
        found[PAIR_JUDGE] = ScorerText(PAIR_JUDGE, "identity", "picture", BESIDE_A_SEED, READINGS["identity"])
        found[PAIR_DEFECTS] = ScorerText(PAIR_DEFECTS, "check", "picture", DEFECTS_NAMED, READINGS["check"])
    return found


def _config(store: Store) -> RunConfig | None:
    try:
        return stored_config(store.recall("config"))
    except ConfigError:
        return None


def _first_line(kind: str) -> str:
    """What the class of a kind of scorer says of itself, without the marks of its source; "" for an unknown one."""
    about = (getattr(SCORERS.get(kind), "__doc__", None) or "").strip().partition("\n")[0]
    return about.replace("`", "")
