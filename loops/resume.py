"""Continuing a run: which settings may change, which may not, and what a finished run does with new ones.

The same command continues. Target, rounds, budget, approval, quotas and added outfits may change; base, seeds and
scorers may not, for they would mix two experiments: those are refused by name, with the old and the new value. Loads
no model.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bootstrap.character import Character, stored_character
from bootstrap.config import RunConfig, shipped_names, stored_config, stored_settings
from bootstrap.config.panel_settings import DomainSettings
from bootstrap.dataset.bundle_members import members_of
from bootstrap.errors import CharacterError, ConfigError
from bootstrap.events import Noted, RunBegan
from bootstrap.runs.standing import finished
from bootstrap.store.store import Store

__all__ = ["Change", "changes", "continued_after", "differing", "require_same_models", "settle"]

CONTINUED = "continued_after"
"""The fact that holds how many rounds a finished run had when it was given new settings."""
MAY_CHANGE = {
    "config": re.compile(
        r"loop\.(target|rounds|waves|candidates_a_place|lookalikes|exchanged|most_decoys)"  # how much
        r"|loop\.(final_candidates|seeds_alone|trigger_pictures|early_checkpoints|showcase|mend_rounds|judge\.most)"
        r"|loop\.acceptance\.(weights|lowest|unseen|beside|also)"
        r"|loop\.(gate_level|provisional_share|calibrate_on|diverse_enough|after_drift|drawer)"  # the gate
        r"|views\.(families\.[^.]+\.share|framings\..+)|subject\.(most_neutral|a_prompt|leeway|guided)"  # the quotas
        r"|subject\.axes\.[^.]+\.(defaults|from_seeds)"  # what varies where the character says nothing
        r"|loop\.hour_costs|base\.variations(\..+)?"
        r"|(drawer|second)\.(path|levels|smallest|server|lora_folder|key|tries|seconds_a\w+)"  # draws alike
        r"|(drawer|second)\.(candidates_a_place|decoys|cost|spend)"
    ),
    "character": re.compile(r"name|purpose|must_obey|license|credits|outfits\.[^.]+\.share"),
}
ONLY_TOLD = re.compile(r"name|purpose|license|credits|loop\.(showcase|acceptance\..+)")
"""What stands in the card and on pages; no picture of the set depends on it: a finished run plays no round for it."""
TOLD_OF_BASES = ("about", "memory", "demonstration", "license", "license_link")
TOLD_OF_DRAWERS = ("about", "license", "license_link", "outputs", "commercial", "seconds", "currency")
WITHOUT_EFFECT = {
    "config": {
        "loop.approval",
        "panel.on_error",
        "panel.on_missing",
        "panel.models.face.offered",
        "subject.expected",
        "subject.needs",
        "subject.called",
        "subject.use",
        *(f"panel.domain.{name}" for name in DomainSettings.model_fields),
        *(f"base.{name}" for name in TOLD_OF_BASES),
        *(f"{drawer}.{name}" for drawer in ("drawer", "second") for name in TOLD_OF_DRAWERS),
    },
    "character": {"base", "kind"},  # what a kind is stands in the configuration
}
"""Settings that a person reads, or that are stored elsewhere too: what is made does not depend on them."""
MOST_NAMED = 4
LONGEST_VALUE = 40


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that differs: its dotted path, its old and its new value (None: absent)."""

    path: str
    old: object
    new: object

    def __str__(self) -> str:
        """As a message names it."""
        return f"{self.path} {_short(self.old)}, now {_short(self.new)}"

    @property
    def beside(self) -> str:
        """As a comparison names it: the one value, then the other."""
        return f"{self.path} {_short(self.old)} / {_short(self.new)}"


def settle(store: Store, config: RunConfig, character: Character, pictures: Sequence[Path]) -> None:
    """Store the settings of a new run; compare those of an earlier one with these, and store what may change.

    Raises ConfigError naming what may not change, with its old and its new value.
    """
    if members_of(store):
        raise ConfigError(f'"{store.directory}" is a run of several subjects', "choose another --out")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures]
    if store.recall("config") is None:
        store.remember("character", character.model_dump_json())
        store.remember("seeds", json.dumps(digests))
        event = RunBegan(character.name, config.base.name, config.loop.target)
        store.remember("config", config.model_dump_json(), event)
        return
    _require_same_seeds(store, digests, pictures)
    of_config = _effective("config", changes(_begun_with(store), _plain(config)))
    of_character = _effective("character", changes(_described_as(store), _plain(character)))
    refused = [change for change in of_config if not _may_change("config", change)]
    _refuse(store, "config", refused, _preset_hint(config, refused))
    _refuse(store, "character", [change for change in of_character if not _may_change("character", change)])
    if of_config or of_character:
        _continue(store, config, character, [*of_config, *of_character])


def require_same_models(store: Store, fingerprints: Mapping[str, str]) -> None:
    """Compare base and scorers (name → fingerprint) with those the run was begun with; a new run stores them.

    Raises ConfigError naming those whose weights are others now.
    """
    stored = store.recall("models")
    if stored is None:
        store.remember("models", json.dumps(dict(fingerprints)))
        return
    _refuse(store, "model", changes(json.loads(stored), dict(fingerprints)))


def continued_after(store: Store) -> int:
    """How many rounds were over when the finished run was last given new settings; 0 if it never was."""
    return int(store.recall(CONTINUED) or 0)


def changes(old: object, new: object, path: str = "") -> list[Change]:
    """Where two settings differ; lists, and what was empty, are compared whole."""
    if not (isinstance(old, dict) and isinstance(new, dict) and old):
        return [] if old == new else [Change(path, old, new)]
    found = []
    for key in dict.fromkeys([*old, *new]):
        found += changes(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    return found


def differing(one: Store, other: Store) -> list[Change]:
    """Where two runs differ in what their pictures and LoRAs depend on: configuration, character, seeds."""
    found = _effective("config", changes(_begun_with(one), _begun_with(other)))
    for change in _effective("character", changes(_described_as(one), _described_as(other))):
        found.append(replace(change, path=f"character.{change.path}"))
    seeds = [[digest[:8] for digest in json.loads(run.recall("seeds") or "[]")] for run in (one, other)]
    found += changes(seeds[0], seeds[1], "seeds")
    return [change for change in found if not ONLY_TOLD.fullmatch(change.path.removeprefix("character."))]


def _plain(record: BaseModel) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(record.model_dump_json())
    return plain


def _begun_with(store: Store) -> dict[str, Any]:
    """The configuration that the run was begun with, completed with the defaults of settings that are new since."""
    text = store.recall("config")
    try:
        return _plain(stored_config(text))
    except ConfigError:  # of another version: compared as it stands, so that what differs is named
        return stored_settings(text)


def _described_as(store: Store) -> dict[str, Any]:
    """The character that the run was begun with, completed in the same way."""
    text = store.recall("character") or "{}"
    try:
        return _plain(stored_character(text))
    except CharacterError:
        plain: dict[str, Any] = json.loads(text)
        return plain


def _require_same_seeds(store: Store, digests: Sequence[str], pictures: Sequence[Path]) -> None:
    """Raise ConfigError unless the pictures are those the run was begun with, in the same order."""
    begun = json.loads(store.recall("seeds") or "[]")
    if begun != digests:
        names = {seed.sha256: Path(seed.source).name for seed in store.seeds()}
        old = _listed([names.get(digest, digest[:12]) for digest in begun])
        new = _listed([path.name for path in pictures])
        raise ConfigError(
            f'"{store.directory}" was begun with other seed pictures: "{old}", now "{new}"',
            "give the same pictures in the same order, or use another --out",
        )


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _effective(name: str, found: Sequence[Change]) -> list[Change]:
    """The changes that what is made depends on."""
    return [change for change in found if change.path not in WITHOUT_EFFECT[name]]


def _may_change(name: str, change: Change) -> bool:
    if MAY_CHANGE[name].fullmatch(change.path):
        return True
    is_outfit = name == "character" and change.path.startswith("outfits.") and change.path.count(".") == 1
    return is_outfit and change.old is None


def _preset_hint(config: RunConfig, refused: Sequence[Change]) -> str:
    """How a run goes on whose base is the same file, which is taken for another kind of base than it was; or ""."""
    changed = {change.path.partition(".")[0] for change in refused}
    renamed = any(change.path in ("base.name", "base.path") for change in refused)
    if "base" not in changed or renamed or config.base.name in shipped_names("base"):
        return ""
    return f'; if "{config.base.short_name}" is taken for another kind of base now, name the preset with --preset'


def _refuse(store: Store, name: str, refused: Sequence[Change], more: str = "") -> None:
    """Raise ConfigError that names these changes, if there are any; its hint ends with ``more``."""
    if not refused:
        return
    named = "; ".join(map(str, refused[:MOST_NAMED]))
    if len(refused) > MOST_NAMED:
        named += f" and {len(refused) - MOST_NAMED} more"
    raise ConfigError(
        f'"{store.directory}" was begun with another {name}: {named}',
        f"use another --out, or what it was begun with{more}",
    )


def _continue(store: Store, config: RunConfig, character: Character, found: Sequence[Change]) -> None:
    """Store the new settings; a finished run plays at least one more round with them."""
    rounds = sum(one.outcome is not None for one in store.rounds())
    paths = {change.path for change in found}
    fewer_rounds = paths == {"loop.rounds"} and config.loop.rounds <= rounds
    if finished(store.events()) and not fewer_rounds and not all(map(ONLY_TOLD.fullmatch, paths)):
        store.remember(CONTINUED, str(rounds))
    store.remember("character", character.model_dump_json())
    text = f"continued with {'; '.join(map(str, found))}"
    if len(store.kept()) >= config.loop.target:
        text += "; every place is filled already: a larger --target makes room for new pictures"
    store.remember("config", config.model_dump_json(), Noted(text))


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST_VALUE:
        text = text[: LONGEST_VALUE - 1] + "…"
    return f'"{text}"'
