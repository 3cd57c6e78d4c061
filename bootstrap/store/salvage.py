"""The rows of a damaged database that are as they were stored, in a new one of the present version.

Knows tables, no domain verb and no file but the two databases.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.store.checking import KEYS, torn_rows
from bootstrap.store.checksums import CHECKSUM, TABLES, checksum_of, columns_of, fill_checksums, has_checksums
from bootstrap.store.schema import VERSION, build, migrate, stored_version

__all__ = ["Salvaged", "merge", "salvage"]

MOST_PROBED = 200_000


@dataclass
class Salvaged:
    """Table → rows that were set aside because they are not as they were stored, and facts among them by name.

    ``unreadable``: some could not be read.
    """

    aside: dict[str, int] = field(default_factory=dict)
    facts: list[str] = field(default_factory=list)
    unreadable: bool = False


def salvage(old: sqlite3.Connection, fresh: Path) -> Salvaged:
    """Copy what can be read, and is as it was stored, into a new database. Raises sqlite3.Error where nothing can."""
    old.text_factory = _text
    version = min(stored_version(old) or VERSION, VERSION)
    found = Salvaged()
    with closing(sqlite3.connect(fresh, isolation_level=None)) as new:
        build(new, version)
        new.execute("BEGIN")
        for table in TABLES:
            _copy(old, new, table, found)
        new.execute("COMMIT")
        migrate(new)
        for table in TABLES:
            _set_aside(new, table, found)
    return found


def merge(new: sqlite3.Connection, other: Path) -> dict[str, int]:
    """Add the rows of another database that the new one lacks; table → how many."""
    added = {}
    new.execute("ATTACH ? AS other", (str(other),))
    for table in TABLES:
        columns, key = ", ".join(columns_of(new, table)), KEYS.get(table, "seq")
        missing = f"{key} NOT IN (SELECT {key} FROM main.{table})"
        if table == "measurements":  # of the picture as it is now
            missing += " AND frame IN (SELECT f.id FROM main.frames f JOIN other.frames o USING (id, digest))"
        query = f"INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM other.{table} WHERE {missing}"
        if count := new.execute(query).rowcount:
            added[table] = count
    fill_checksums(new)
    new.execute("DETACH other")
    return added


def _text(data: bytes) -> str:
    """Torn text stays told from any other, and raises nothing."""
    return data.decode("utf-8", "surrogateescape")


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str, found: Salvaged) -> None:
    columns = columns_of(new, table)
    if not columns:
        return
    summed = [CHECKSUM] if has_checksums(old, table) else []
    places = ", ".join("?" * len(columns))
    query = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})"
    try:
        for row in _rows(old, table, [*columns, *summed], found):
            values = row[: len(columns)]
            try:
                if summed and row[-1] not in (None, checksum_of(*values)):
                    raise ValueError
                new.execute(query, values)
            except (sqlite3.Error, ValueError, OverflowError):  # altered, or torn text
                found.aside[table] = found.aside.get(table, 0) + 1
                if table == "facts":
                    found.facts.append(ascii(values[0])[1:-1])
    except sqlite3.DatabaseError:  # a table whose root is lost: the others may be readable
        found.unreadable = True


def _set_aside(new: sqlite3.Connection, table: str, found: Salvaged) -> None:
    """Leave out rows that nothing can be made of."""
    fill_checksums(new)
    for rowid in torn_rows(new, table):
        new.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
        found.aside[table] = found.aside.get(table, 0) + 1


def _rows(old: sqlite3.Connection, table: str, columns: Sequence[str], found: Salvaged) -> Iterator[tuple[object, ...]]:
    """Every readable row: from the front, from the back, then one by one in the gap between."""
    query = f"SELECT rowid, {', '.join(columns)} FROM {table}"
    low, high = None, None
    try:
        for row in old.execute(f"{query} ORDER BY rowid"):
            low = row[0]
            yield row[1:]
        return
    except sqlite3.DatabaseError:
        found.unreadable = True
    with suppress(sqlite3.DatabaseError):
        for row in old.execute(f"{query} ORDER BY rowid DESC"):
            if row[0] == low:
                break
            high = row[0]
            yield row[1:]
    for rowid in range((low or 0) + 1, min(high or 0, (low or 0) + MOST_PROBED)):
        with suppress(sqlite3.DatabaseError):
            yield from (row[1:] for row in old.execute(f"{query} WHERE rowid = ?", (rowid,)).fetchall())
