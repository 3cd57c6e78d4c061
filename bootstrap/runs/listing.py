"""The runs below a folder, each with what to do next. Reads beside engines that work; loads no model."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.errors import BootstrapError
from bootstrap.runs.approval_setting import waiting_round
from bootstrap.runs.following import engine_is_running
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.status import status
from bootstrap.store.run_folder import DATABASE, holds_database
from bootstrap.store.store import Store

__all__ = ["ListedRun", "listed", "next_command", "remember_command", "runs_below", "runs_here"]

FACT = "command"
RUNS = "runs"
"""The folder that runs lie in unless ``--out`` names another."""
SOLO = "solo"
"""Where the members' own runs lie in the folder of a couple or a group."""


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run: its folder, its status, None where it cannot be read, then ``problem`` says why.

    ``active`` is when its database was last written, in seconds since 1970; ``command`` is what to do next.
    """

    folder: Path
    facts: dict[str, Any] | None
    running: bool
    active: float
    command: str
    problem: str = ""


def runs_here(below: Path = Path()) -> list[Path]:
    """The runs of the nearest folder ``runs``: here, in a folder above; else those in the folder itself."""
    here = below.absolute()
    for folder in (below / RUNS, below, *(above / RUNS for above in here.parents)):
        if found := runs_below(folder):
            return found
    return []


def runs_below(folder: Path) -> list[Path]:
    """The folders in a folder that hold a run, sorted; [] where there is none, or no such folder."""
    try:
        return sorted(one for one in folder.iterdir() if one.is_dir() and holds_database(one))
    except (OSError, BootstrapError):
        return []


def listed(folder: Path) -> ListedRun:
    """A run as a list shows it; a damaged one is told and not raised."""
    running = engine_is_running(folder)
    try:
        with open_to_read(folder) as store:
            return ListedRun(folder, status(store), running, _active(folder), next_command(store, running=running))
    except BootstrapError as error:
        return ListedRun(folder, None, running, _active(folder), "", error.message)


def next_command(store: Store, *, running: bool) -> str:
    """What a person does next: follow, review, or go on with the command that began the run; "" if it is not known."""
    name = shlex.quote(str(store.directory))
    if waiting_round(store) is not None or (status(store)["finished"] and not running):
        return f"bootstrap review {name}"
    if running:
        return f"bootstrap watch {name}"
    stored: dict[str, str] = json.loads(store.recall(FACT) or "{}")
    if stored and stored["in"] != str(Path.cwd()):
        return f"cd {shlex.quote(stored['in'])} && {stored['command']}"
    return stored.get("command", "")


def remember_command(store: Store, words: Sequence[str]) -> None:
    """Store the command that works on a run, and the folder in which it was given."""
    plain = json.dumps({"command": shlex.join(words), "in": str(Path.cwd())})  # names may be no UTF-8: in ASCII
    if store.recall(FACT) != plain:
        store.remember(FACT, plain)


def _active(folder: Path) -> float:
    """When the database was last written; its write-ahead log is newer while an engine works."""
    times = [path.stat().st_mtime for path in (folder / DATABASE, folder / f"{DATABASE}-wal") if path.is_file()]
    return max(times, default=0.0)
