"""A damaged database, made whole again from the rows that can still be read.

The damaged file is kept aside, with its write-ahead log; nothing is deleted. What cannot be read is made again by the
run, for a stage is done only when its rows exist. Knows tables and files, no domain verb and no model.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from bootstrap.errors import StoreError
from bootstrap.store.files import write_atomic
from bootstrap.store.schema import DamagedError, build, connect, look, translate

__all__ = ["finish_swap", "recover", "recover_if_damaged"]

TABLES = (
    "facts", "decisions", "seeds", "rounds", "jobs", "frames", "measurements", "verdicts", "captions", "adapters",
    "timings", "events",
)  # fmt: skip
RECORD = "record"
"""The column that holds JSON, in tables that have one."""
NEEDED = ("config", "character", "seeds")
"""Facts without which a run cannot be continued."""
LOG = "log.jsonl"
MOST_PROBED = 200_000
NEW, WHOLE = ".recovering", ".recovered"


def recover_if_damaged(path: Path) -> str:
    """Recover the database at ``path`` if it is damaged; what was done, in words, or "" if it is whole."""
    finish_swap(path)
    try:
        connect(path).close()
    except DamagedError as damage:
        return recover(path, damage.reason)
    return ""


def recover(path: Path, reason: str) -> str:
    """Replace the damaged database at ``path`` by one with every row that can be read; returns what was done, in words.

    ``reason`` is SQLite's. Raises StoreError, with the file as it was, when it holds too little to go on from,
    and OutputError when there is no room for the new one.
    """
    fresh = path.with_name(path.name + NEW)
    fresh.unlink(missing_ok=True)
    try:
        counts = _salvage(path, fresh)
    except sqlite3.Error as error:
        fresh.unlink(missing_ok=True)
        if isinstance(error, sqlite3.OperationalError):  # a full disk is no damage
            raise translate(error, fresh) from error
        raise StoreError(
            f"'{path}' is damaged beyond reading ({error})",
            "nothing was deleted: restore it from a copy, or begin in another --out",
        ) from error
    aside = _keep_aside(path)
    with fresh.open("r+b") as file:
        os.fsync(file.fileno())
    fresh.replace(path.with_name(path.name + WHOLE))
    finish_swap(path)
    read = ", ".join(f"{count} {table}" for table, count in counts.items() if count)
    return f"{path.name} was damaged ({reason}); it is kept as {aside.name}; recovered {read}; the rest is made again"


def finish_swap(path: Path) -> None:
    """Put a recovered database in its place, if one waits there; a kill in between is finished by the next open."""
    whole = path.with_name(path.name + WHOLE)
    if whole.is_file():
        for ending in ("-wal", "-shm"):  # of the damaged file: they would be played into the new one
            path.with_name(path.name + ending).unlink(missing_ok=True)
        whole.replace(path)


def _keep_aside(path: Path) -> Path:
    """Copies of the damaged file, its write-ahead log and the run's own log, under the first free name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for ending in ("-wal", ""):
        source = path.with_name(path.name + ending)
        if source.is_file():
            write_atomic(aside.with_name(aside.name + ending), source.read_bytes())
    if (log := path.with_name(LOG)).is_file():  # it is written anew from the rows, and may hold events that they lost
        write_atomic(aside.with_name(f"{aside.name}-{LOG}"), log.read_bytes())
    return aside


def _salvage(path: Path, fresh: Path) -> dict[str, int]:
    """Copy what can be read into a new database; table → rows. Raises sqlite3.Error when it is too little."""
    with closing(look(path)) as old, closing(sqlite3.connect(fresh)) as new:
        build(new, int(old.execute("PRAGMA user_version").fetchone()[0]))
        tables = [name for name in TABLES if _columns(new, name)]
        for table in tables:
            columns = _columns(new, table)
            places = ", ".join("?" * len(columns))
            with suppress(sqlite3.DatabaseError):  # a table whose root is lost: the others may be readable
                rows = _rows(old, table, columns)
                new.executemany(f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
        _drop_dangling(new, tables)
        new.commit()
        facts = {row[0] for row in new.execute("SELECT name FROM facts")}
        if not facts.issuperset(NEEDED):
            raise sqlite3.DatabaseError("what the run was begun with is lost")
        return {table: int(new.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in tables}


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    """The names of a table's columns; [] where there is no such table."""
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def _rows(old: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[tuple[object, ...]]:
    """Every readable row: from the front, from the back, then one by one in the gap between."""
    query = f"SELECT rowid, {', '.join(columns)} FROM {table}"
    low, high = None, None
    try:
        for row in old.execute(f"{query} ORDER BY rowid"):
            low = row[0]
            yield row[1:]
        return
    except sqlite3.DatabaseError:
        pass
    with suppress(sqlite3.DatabaseError):
        for row in old.execute(f"{query} ORDER BY rowid DESC"):
            if row[0] == low:
                break
            high = row[0]
            yield row[1:]
    for rowid in range((low or 0) + 1, min(high or 0, (low or 0) + MOST_PROBED)):
        with suppress(sqlite3.DatabaseError):
            yield from (row[1:] for row in old.execute(f"{query} WHERE rowid = ?", (rowid,)).fetchall())


def _drop_dangling(new: sqlite3.Connection, tables: Sequence[str]) -> None:
    """Leave out torn records and rows that refer to lost ones; lost rounds are read from their events."""
    for table in tables:
        if RECORD in _columns(new, table):
            new.execute(f"DELETE FROM {table} WHERE NOT json_valid({RECORD})")
    new.execute("DELETE FROM frames WHERE id NOT IN (SELECT id FROM jobs)")
    for table in [name for name in ("measurements", "verdicts", "captions") if name in tables]:
        new.execute(f"DELETE FROM {table} WHERE frame NOT IN (SELECT id FROM frames)")
    new.execute(
        "INSERT OR IGNORE INTO rounds (number, phase, goal) SELECT json_extract(record, '$.round'),"
        " json_extract(record, '$.phase'), json_extract(record, '$.goal') FROM events WHERE kind = 'RoundBegan'"
    )  # without an outcome: the loop plays it again, finds everything done, and ends it
    new.execute("DELETE FROM rounds WHERE number > (SELECT count(*) FROM rounds AS r WHERE r.number <= rounds.number)")
