"""Opening the folder of a run: its lock, its database recovered where it is damaged, and what a person did put back.

Knows no verb of the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bootstrap.errors import BootstrapError, OutputError, StoreError, UsageError
from bootstrap.store.checking import what_is_wrong
from bootstrap.store.files import make_folder, sweep_temporaries
from bootstrap.store.journal import Journal
from bootstrap.store.lock import ProcessLock
from bootstrap.store.near_files import or_near
from bootstrap.store.person_copy import put_back
from bootstrap.store.recovery import recover_if_damaged, traces_of_run
from bootstrap.store.schema import DamagedError

__all__ = ["DATABASE", "LOCK", "OpenedRun", "holds_database", "open_run", "put_back_person", "raise_for_damage"]

DATABASE = "run.db"
LOCK = "run.lock"


@dataclass(frozen=True)
class OpenedRun:
    """Database, lock (None for readers), and lines about what was recovered."""

    journal: Journal
    lock: ProcessLock | None
    recovered: tuple[str, ...]


def open_run(directory: Path, create: bool, exclusive: bool) -> OpenedRun:
    """See `bootstrap.store.store.Store.open`."""
    database = directory / DATABASE
    if not holds_database(directory):
        _refuse_lost(directory, create, exclusive)
    make_folder(directory)
    lock = ProcessLock(directory / LOCK) if exclusive else None
    try:
        recovered = recover_if_damaged(database) if exclusive else []
        journal = Journal(database)
        if exclusive:
            sweep_temporaries(directory, spare=("review",))
            recovered += put_back_person(journal, directory)
        elif wrong := what_is_wrong(database):
            journal.close()
            raise DamagedError(database, wrong)
    except BaseException:
        if lock:
            lock.release()
        raise
    return OpenedRun(journal, lock, tuple(recovered))


def holds_database(directory: Path) -> bool:
    """Whether a folder holds the database of a run that is not empty. Raises OutputError where it cannot be read."""
    database = directory / DATABASE
    try:
        return database.is_file() and database.stat().st_size > 0
    except OSError as error:
        raise OutputError(f"cannot read '{directory}': {error.strerror}", "check that you may read it") from error


def raise_for_damage(directory: Path, error: BaseException | None) -> None:
    """Raise DamagedError in place of an error that nobody foresaw, where the database is not as it was stored."""
    foreseen = not isinstance(error, Exception) or isinstance(error, BootstrapError)
    if not foreseen and (wrong := what_is_wrong(directory / DATABASE)):
        raise DamagedError(directory / DATABASE, wrong) from error


def put_back_person(journal: Journal, directory: Path) -> list[str]:
    """Put back what a person did and the database lacks, from its copy; a line where there was something."""
    with journal.change(None) as db:
        back, waiting = put_back(db, directory)
    lines = []
    if back:
        lines.append(f"a person's verdicts, captions or pictures restored from their copy: {_named(back)}")
    if waiting:
        lines.append(f"a person's verdicts or captions wait for pictures that were lost: {_named(waiting)}")
    return lines


def _named(ids: list[str]) -> str:
    return ", ".join(f"'{one}'" for one in ids)


def _refuse_lost(directory: Path, create: bool, exclusive: bool) -> None:
    """Raise where there is no database and only a reader, or where nothing tells of a run."""
    traces = traces_of_run(directory / DATABASE)
    if traces and not exclusive:
        state = "empty" if (directory / DATABASE).is_file() else "missing"
        raise StoreError(
            f"'{directory / DATABASE}' is {state}, but the folder holds '{traces[0].relative_to(directory)}' of a run",
            "run the same `bootstrap run` again: it recovers what can be read",
        )
    if not traces and not create and not (directory / DATABASE).is_file():
        hint = or_near(directory, "give the folder of a run, or begin one there")
        raise UsageError(f"there is no run in '{directory}'", hint)
