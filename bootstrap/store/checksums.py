"""A checksum beside every row: what a disk, or another program, changed is told from what was stored.

Triggers of our own connections write it; a row that another program adds has none, and is taken as it is. Knows tables
and columns, no domain verb.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence

__all__ = [
    "CHECKSUM",
    "TABLES",
    "add_checksums",
    "altered_rows",
    "checksum_of",
    "columns_of",
    "fill_checksums",
    "has_checksums",
    "keep_checksums",
    "renew_checksums",
]

TABLES = (
    "facts", "decisions", "seeds", "rounds", "jobs", "frames", "measurements", "verdicts", "captions", "adapters",
    "timings", "events",
)  # fmt: skip
CHECKSUM = "checksum"
FUNCTION = "row_checksum"
NEVER = -1
"""What no row has as its checksum."""


def checksum_of(*values: object) -> int:
    """CRC-32 of the values of a row, in the order of its columns."""
    return zlib.crc32(json.dumps(values, default=repr).encode())


def columns_of(db: sqlite3.Connection, table: str) -> list[str]:
    """The names of a table's columns but the checksum; [] where there is no such table."""
    names = [row[1] for row in db.execute(f"PRAGMA main.table_info({table})")]
    return [name for name in names if name != CHECKSUM]


def has_checksums(db: sqlite3.Connection, table: str) -> bool:
    """Whether a table has the column of checksums."""
    return CHECKSUM in [row[1] for row in db.execute(f"PRAGMA main.table_info({table})")]


def add_checksums(db: sqlite3.Connection) -> None:
    """The column, filled, in every table: a step of the schema."""
    for table in TABLES:
        db.execute(f"ALTER TABLE {table} ADD COLUMN {CHECKSUM} INTEGER")
    fill_checksums(db)


def fill_checksums(db: sqlite3.Connection) -> None:
    """Write the checksum of every row as it is now."""
    db.create_function(FUNCTION, -1, checksum_of, deterministic=True)
    for table in TABLES:
        db.execute(f"UPDATE {table} SET {CHECKSUM} = {_call(columns_of(db, table))}")


def renew_checksums(db: sqlite3.Connection, altered: Mapping[str, Sequence[int]]) -> None:
    """After a step of the schema that changed tables: new checksums, but for rows that were altered before it."""
    fill_checksums(db)
    for table, rows in altered.items():
        for rowid in rows:
            db.execute(f"UPDATE {table} SET {CHECKSUM} = {NEVER} WHERE rowid = ?", (rowid,))


def altered_rows(db: sqlite3.Connection, table: str) -> list[int]:
    """The numbers of the rows that are not as they were stored; none in a table without checksums."""
    if not has_checksums(db, table):
        return []
    found = []
    for row in db.execute(f"SELECT rowid, {CHECKSUM}, {', '.join(columns_of(db, table))} FROM main.{table}"):
        if row[1] not in (None, checksum_of(*tuple(row)[2:])):
            found.append(row[0])
    return found


def keep_checksums(db: sqlite3.Connection) -> None:
    """Write the checksum of every row that this connection adds or changes from now on."""
    db.create_function(FUNCTION, -1, checksum_of, deterministic=True)
    db.execute("PRAGMA temp_store = MEMORY")
    for table in TABLES:
        columns = columns_of(db, table)
        for verb in ("INSERT", f"UPDATE OF {', '.join(columns)}"):
            db.execute(
                f"CREATE TEMP TRIGGER IF NOT EXISTS {table}_{verb[:6].lower()} AFTER {verb} ON main.{table} BEGIN"
                f" UPDATE {table} SET {CHECKSUM} = {_call(columns, 'NEW.')} WHERE rowid = NEW.rowid; END"
            )


def _call(columns: Sequence[str], prefix: str = "") -> str:
    return f"{FUNCTION}({', '.join(prefix + name for name in columns)})"
