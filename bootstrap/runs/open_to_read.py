"""Opening a run only to read it: beside the engine, or in a folder without write permission. Loads no model."""

from __future__ import annotations

from pathlib import Path

from bootstrap.errors import OutputError
from bootstrap.store.journal import Journal
from bootstrap.store.run_folder import DATABASE, holds_database
from bootstrap.store.store import Store

__all__ = ["open_to_judge", "open_to_read"]


def open_to_read(directory: Path) -> Store:
    """The run in ``directory``, as a context manager; nothing in it can be changed.

    Raises UsageError when there is no run, OutputError when it cannot be read, StoreError when it is newer or damaged.
    """
    if not holds_database(directory):
        return Store.open(directory, exclusive=False)  # which says why there is nothing to read
    return Store(directory, Journal(directory / DATABASE, read_only=True), None)


def open_to_judge(directory: Path) -> tuple[Store, str]:
    """The run in ``directory`` for a person's verdicts, and "".

    Where it cannot be written, it is opened to read, with the reason in one line; raises what `open_to_read` does.
    """
    try:
        return Store.open(directory, exclusive=False), ""
    except OutputError as refused:
        return open_to_read(directory), refused.message
