"""Opening a run only to read it: beside the engine, or in a folder without write permission. Loads no model."""

from __future__ import annotations

from pathlib import Path

from bootstrap.errors import OutputError
from bootstrap.store.journal import Journal
from bootstrap.store.store import DATABASE, Store

__all__ = ["open_to_read"]


def open_to_read(directory: Path) -> Store:
    """The run in ``directory``, as a context manager; nothing in it can be changed.

    Raises UsageError when there is no run, OutputError when it cannot be read, StoreError when it is newer or damaged.
    """
    database = directory / DATABASE
    try:
        exists = database.is_file() and database.stat().st_size > 0
    except OSError as error:
        raise OutputError(f"cannot read '{directory}': {error.strerror}", "check that you may read it") from error
    if not exists:
        return Store.open(directory, exclusive=False)  # which says why there is nothing to read
    return Store(directory, Journal(database, read_only=True), None)
