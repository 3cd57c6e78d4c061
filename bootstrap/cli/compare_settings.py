"""In which settings a LoRA from elsewhere differs, for ``bootstrap compare``: where it is one, one knows the cause.

A file in the folder of a run is held against that run, any other against what it says of its own training.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.errors import BootstrapError
from bootstrap.lora import metadata_of
from bootstrap.records import Adapter
from bootstrap.runs.accepted import finished_lora
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.store.run_folder import holds_database
from bootstrap.store.store import Store

if TYPE_CHECKING:
    from loops.resume import Change

__all__ = ["settings_notes"]

MOST_NAMED = 8
FOLLOWING = ("random_seed", "candidates", "early_steps", "checkpoint_every")
"""Of a training: what follows from the round, or changes no weight."""


def settings_notes(store: Store, tried: Sequence[Adapter | Path]) -> list[str]:
    """A sentence for each file from outside the run in ``store``: the settings that differ, this run's first."""
    notes = []
    for file in tried:
        if isinstance(file, Path) and not file.resolve().is_relative_to(store.directory.resolve()):
            notes.append(f'"{file.stem}": {_in_words(_differing(store, file.resolve()))}')
    return notes


def _differing(store: Store, file: Path) -> list[Change] | None:
    """Between two runs, else between two trainings; None where nothing is known of the file's."""
    from loops.resume import changes, differing

    folder = next((parent for parent in file.parents if holds_database(parent)), None)
    with contextlib.suppress(BootstrapError):  # of a damaged run its file may still tell
        if folder is not None:
            with open_to_read(folder) as other:
                return differing(store, other)
    own, others = finished_lora(store) or store.adapters()[-1], _training(file)
    here = _training(store.directory / own.path)
    return changes(here, others, "training") if here and others else None


def _training(file: Path) -> dict[str, Any]:
    """The settings that a file says it was trained with; empty where it says none."""
    try:
        found: dict[str, Any] = json.loads(metadata_of(file)["bootstrap.training"])
    except (BootstrapError, KeyError, ValueError):
        return {}
    return {name: value for name, value in found.items() if name not in FOLLOWING}


def _in_words(found: Sequence[Change] | None) -> str:
    if found is None:
        return "its settings are not known, so nothing says what a difference comes from"
    if not found:
        return "no setting that is known of it differs"
    named = ", ".join(change.beside for change in found[:MOST_NAMED])
    if len(found) > MOST_NAMED:
        named += f" and {len(found) - MOST_NAMED} more"
    if len(found) == 1:
        return f"one setting differs: {named}"
    return f"{len(found)} settings differ, so a difference has no single cause: {named}"
