"""Copies of the database beside it, taken at the ends of stages: what a damaged one is restored from.

A copy is whole, page by page and row by row, or not there; the last two are kept. Knows no domain verb.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from bootstrap.errors import StoreError
from bootstrap.store.checksums import TABLES, altered_rows
from bootstrap.store.files import TEMPORARY, put_in_place

__all__ = ["open_snapshot", "snapshot_uri", "snapshots_of", "take_snapshot", "whole_snapshot"]

KEPT = 2
"""Snapshots that are kept: a second one, in case that the disk damages the newest."""
NAMED = re.compile(r".+\.snapshot-(\d{1,9})")


def snapshots_of(path: Path) -> list[Path]:
    """The snapshots of the database at ``path``, newest first."""
    numbered = {}
    for one in path.parent.glob(f"{path.name}.snapshot-*"):
        if found := NAMED.fullmatch(one.name):
            numbered[int(found[1])] = one
    return [numbered[number] for number in sorted(numbered, reverse=True)]


def open_snapshot(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and makes no file beside the snapshot."""
    return sqlite3.connect(snapshot_uri(path), uri=True, isolation_level=None)


def snapshot_uri(path: Path) -> str:
    """What SQLite opens or attaches to read a snapshot, making no file beside it."""
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


def whole_snapshot(path: Path) -> Path | None:
    """The newest that SQLite finds whole; None where there is none."""
    for one in snapshots_of(path):
        with contextlib.suppress(sqlite3.Error), closing(open_snapshot(one)) as db:
            if db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok" and _tables(db):
                return one
    return None


def take_snapshot(db: sqlite3.Connection, path: Path) -> Path:
    """Copy the open database at ``path`` beside it, and remove all but the last copies.

    Raises StoreError where the copy is not whole: the database was damaged since it was opened. May raise
    sqlite3.Error and OutputError when there is no room.
    """
    earlier = snapshots_of(path)
    number = 1 + int(NAMED.fullmatch(earlier[0].name)[1]) if earlier else 1  # type: ignore[index]
    target = path.with_name(f"{path.name}.snapshot-{number}")
    temporary = path.with_name(f".{target.name}.{secrets.token_hex(4)}{TEMPORARY}")
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            whole = copy.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
            if not whole or any(altered_rows(copy, table) for table in TABLES):
                hint = "run the same command again: it recovers what can be read"
                raise StoreError(f"'{path}' was damaged while it was open", hint)
        put_in_place(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    for old in earlier[KEPT - 1 :]:
        with contextlib.suppress(OSError):
            old.unlink()
    return target


def _tables(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()[0])
