"""Continuing a run: what may be given anew, what may not, and what a finished run does with it.

The same command continues. Target, rounds, budget, gate, quotas and added outfits may change; base, seeds and scorers
may not, for they would mix two experiments: those are refused by name, with the old and the new value. Loads no model.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bootstrap.character import Character
from bootstrap.config import RunConfig
from bootstrap.errors import ConfigError
from bootstrap.events import Noted, RoundBegan, RunBegan, RunEnded
from bootstrap.store.store import Store

__all__ = ["CONTINUED", "Change", "changes", "continued_after", "hold_fast", "settle"]

CONTINUED = "continued_after"
"""The fact that holds how many rounds a finished run had when it was given new settings."""
MAY_CHANGE = {
    "config": re.compile(
        r"loop\.(target|rounds|waves|candidates_a_place|lookalikes|exchanged|most_decoys|final_candidates)"  # how much
        r"|loop\.(gate_level|provisional_share|calibrate_on|diverse_enough|after_drift)"  # the gate
        r"|views\.(families\.[^.]+\.share|framings\..+)|subject\.(most_neutral|a_prompt|leeway)"  # the quotas
    ),
    "character": re.compile(r"purpose|must_obey|license|credits|outfits\.[^.]+\.share"),
}
UNHEEDED = {
    "config": {"base.about", "base.memory", "base.demonstration", "loop.approval", "panel.on_error"},
    "character": {"base"},
}
"""What is for a person's eyes, or said elsewhere too: nothing is made otherwise when it changes."""
MOST_NAMED = 4
LONGEST_VALUE = 40
Change = tuple[str, object, object]
"""Dotted path of a setting, its old value and its new one (None: not there)."""


def settle(store: Store, config: RunConfig, character: Character, pictures: Sequence[Path]) -> None:
    """Store the facts of a new run; hold those of an old one against what was given now.

    Raises ConfigError naming what may not change, with its old and its new value.
    """
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures]
    if store.recall("config") is None:
        store.remember("character", character.model_dump_json())
        store.remember("seeds", json.dumps(digests))
        told = RunBegan(character.name, config.base.name, config.loop.target)
        store.remember("config", config.model_dump_json(), told)
        return
    _same_seeds(store, digests, pictures)
    found = {
        "config": changes(_remembered(store, "config", RunConfig), _plain(config)),
        "character": changes(_remembered(store, "character", Character), _plain(character)),
    }
    found = {name: [one for one in changed if one[0] not in UNHEEDED[name]] for name, changed in found.items()}
    for name, changed in found.items():
        _refuse(store, name, [one for one in changed if not _may_change(name, one)])
    if any(found.values()):
        _go_on(store, config, character, [one for changed in found.values() for one in changed])


def hold_fast(store: Store, models: Mapping[str, str]) -> None:
    """Hold base and scorers (name → fingerprint) against those the run was begun with; a new run remembers them.

    Raises ConfigError naming those whose weights are not the same any more.
    """
    known = json.loads(store.recall("models") or "null")
    if known is None:
        store.remember("models", json.dumps(dict(models)))
        return
    _refuse(store, "model", changes(known, dict(models)))


def continued_after(store: Store) -> int:
    """How many rounds were over when the finished run was last given new settings; 0 if it never was."""
    return int(store.recall(CONTINUED) or 0)


def changes(old: object, new: object, path: str = "") -> list[Change]:
    """Where two settings differ; lists, and what was empty, are compared whole."""
    if isinstance(old, dict) and isinstance(new, dict) and old:
        keys = list(dict.fromkeys([*old, *new]))
        return [one for key in keys for one in changes(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))]
    return [] if old == new else [(path, old, new)]


def _plain(record: BaseModel) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(record.model_dump_json())
    return plain


def _remembered(store: Store, name: str, model: type[BaseModel]) -> dict[str, Any]:
    """What the run was begun with, completed with the defaults of settings that came into being since."""
    text = store.recall(name) or "{}"
    try:
        return _plain(model.model_validate_json(text))
    except ValidationError:  # written by another version: compared as it stands, so that what differs is named
        plain: dict[str, Any] = json.loads(text)
        return plain


def _same_seeds(store: Store, digests: Sequence[str], pictures: Sequence[Path]) -> None:
    """Raise ConfigError unless the pictures are those the run was begun with, in the same order."""
    begun = json.loads(store.recall("seeds") or "[]")
    if begun != digests:
        names = {seed.sha256: Path(seed.source).name for seed in store.seeds()}
        old = ", ".join(names.get(digest, digest[:12]) for digest in begun)
        new = ", ".join(path.name for path in pictures)
        raise ConfigError(
            f'"{store.directory}" was begun with other seed pictures: "{old}", now "{new}"',
            "give the same pictures in the same order, or use another --out",
        )


def _may_change(name: str, change: Change) -> bool:
    path, old, _ = change
    added = name == "character" and path.count(".") == 1 and path.startswith("outfits.") and old is None
    return added or MAY_CHANGE[name].fullmatch(path) is not None


def _refuse(store: Store, name: str, changed: Sequence[Change]) -> None:
    if changed:
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        raise ConfigError(
            f'"{store.directory}" was begun with another {name}: {"; ".join(map(_named, changed[:MOST_NAMED]))}{more}',
            "use another --out, or what it was begun with",
        )


def _go_on(store: Store, config: RunConfig, character: Character, changed: Sequence[Change]) -> None:
    """Remember the new settings; a finished run is told to play at least one more round."""
    rounds = sum(one.outcome is not None for one in store.rounds())
    fewer_rounds = {path for path, _, _ in changed} == {"loop.rounds"} and config.loop.rounds <= rounds
    if _finished(store) and not fewer_rounds:
        store.remember(CONTINUED, str(rounds))
    store.remember("character", character.model_dump_json())
    room = config.loop.target > len(store.kept())
    full = "" if room else "; every place is filled already: a larger --target makes room for new pictures"
    named = "; ".join(map(_named, changed))
    store.remember("config", config.model_dump_json(), Noted(f"continued with {named}{full}"))


def _finished(store: Store) -> bool:
    told = [event for event in store.events() if isinstance(event, RunEnded | RoundBegan)]
    return bool(told) and isinstance(told[-1], RunEnded)


def _named(change: Change) -> str:
    path, old, new = change
    return f"{path} {_short(old)}, now {_short(new)}"


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f'"{text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"}"'
