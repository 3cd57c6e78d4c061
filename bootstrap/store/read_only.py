"""A database that is only read: nothing is written beside it, so a run in a folder without write permission is read.

Where SQLite cannot read it there (its files for concurrent readers cannot be made), or where it is of an earlier
version, a copy in memory is read. Knows no domain verb.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from bootstrap.errors import OutputError
from bootstrap.store.checking import wrong_in
from bootstrap.store.schema import VERSION, DamagedError, connect, look

__all__ = ["connect_to_read"]


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the database at ``path`` so that it cannot be changed.

    Raises what `bootstrap.store.schema.connect` does, and DamagedError where a row is not as it was stored, or missing.
    """
    db = _opened(path)
    if wrong := wrong_in(db, path):
        db.close()
        raise DamagedError(path, wrong)
    db.row_factory = sqlite3.Row
    return db


def _opened(path: Path) -> sqlite3.Connection:
    with suppress(sqlite3.Error):
        db = look(path)
        if _is_usable(db):
            return db
        db.close()
    return _copy_in_memory(path)


def _is_usable(db: sqlite3.Connection) -> bool:
    """Whether a database is whole and of the present version."""
    try:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        return version == VERSION and db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.Error:
        db.close()
        raise


def _copy_in_memory(path: Path) -> sqlite3.Connection:
    """A copy of the database with its write-ahead log, brought to the present version."""
    with tempfile.TemporaryDirectory(prefix="bootstrap-read-") as folder:
        copy = Path(folder) / path.name
        try:
            for ending in ("", "-wal"):
                source = path.with_name(path.name + ending)
                if source.is_file():
                    shutil.copyfile(source, copy.with_name(source.name))
        except OSError as error:
            raise OutputError(f"cannot read '{path}': {error.strerror}", "check that you may read it") from error
        try:
            opened = connect(copy)
        except DamagedError as damage:
            raise DamagedError(path, damage.reason) from damage
        with closing(opened):
            memory = sqlite3.connect("file::memory:", uri=True, isolation_level=None, check_same_thread=False)
            opened.backup(memory)
    memory.execute("PRAGMA query_only = ON")
    return memory
