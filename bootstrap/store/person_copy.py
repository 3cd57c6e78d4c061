"""A second copy of what a person did, in a file of lines beside the database: verdicts, captions, their own pictures.

Rows are only ever appended, each with its checksum. What the database has lost is put back from there. Knows tables and
the file, no page and no rule.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from bootstrap.store.checksums import checksum_of, columns_of

__all__ = ["PERSON_COPY", "append_copy", "copied_rows", "put_back"]

PERSON_COPY = "person.jsonl"
SAME: Mapping[str, tuple[str, ...]] = {
    "jobs": ("id",),
    "frames": ("id",),
    "verdicts": ("key",),
    "captions": ("frame", "text", "at"),
}
"""Tables in the order in which rows refer to each other, and what tells whether a row is there already."""
NEEDS = {"frames": ("jobs", "id"), "verdicts": ("frames", "frame"), "captions": ("frames", "frame")}
"""Table → the table that its rows refer to, and the column that does."""


def append_copy(folder: Path, table: str, row: Mapping[str, object]) -> None:
    """Add a row, forced to disk; the database holds it already, so that a full disk loses nothing."""
    text = json.dumps([table, dict(row)])
    line = json.dumps([checksum_of(text), text])
    with contextlib.suppress(OSError), (folder / PERSON_COPY).open("ab") as file:
        file.write(f"\n{line}\n".encode())  # a line of its own, also after one that a power cut has torn
        file.flush()
        os.fsync(file.fileno())


def copied_rows(folder: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """(table, row) of every line that is as it was written."""
    try:
        data = (folder / PERSON_COPY).read_bytes()
    except OSError:
        return
    for line in data.splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            checksum, text = json.loads(line)
            if checksum == checksum_of(text):
                table, row = json.loads(text)
                yield table, row


def put_back(db: sqlite3.Connection, folder: Path) -> tuple[list[str], list[str]]:
    """Insert what the database lacks, inside the caller's transaction: ids of the frames of the rows put back.

    And those of the frames that are not there yet, whose verdicts and captions wait in the file until they are.
    """
    back: dict[str, None] = {}
    waiting: dict[str, None] = {}
    rows = list(copied_rows(folder))
    for table in SAME:
        columns = columns_of(db, table)
        for of_table, row in rows:
            if of_table != table or not set(row) >= set(SAME[table]) or _is_there(db, table, row):
                continue
            frame = str(row.get("frame", row.get("id")))
            parent, column = NEEDS.get(table, ("", ""))
            if parent and not db.execute(f"SELECT 1 FROM {parent} WHERE id = ?", (row[column],)).fetchone():
                waiting[frame] = None
            else:
                _insert(db, table, {name: row[name] for name in columns if name in row})
                back[frame] = None
    return list(back), list(waiting)


def _is_there(db: sqlite3.Connection, table: str, row: Mapping[str, object]) -> bool:
    same = " AND ".join(f"{name} = ?" for name in SAME[table])
    values = [row[name] for name in SAME[table]]
    return db.execute(f"SELECT 1 FROM {table} WHERE {same}", values).fetchone() is not None


def _insert(db: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    """Under its own number, or under the next one where that is taken."""
    if "seq" in row and db.execute(f"SELECT 1 FROM {table} WHERE seq = ?", (row["seq"],)).fetchone():
        del row["seq"]
    places = ", ".join("?" * len(row))
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))
