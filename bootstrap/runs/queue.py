"""Several characters for one night: which wait, which are done, and how they ended, in one small SQLite file.

Characters may be added while others are worked on. Knows no run and starts nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bootstrap.errors import OutputError, StoreError

__all__ = ["LOST", "Entry", "Queue", "State", "share_of"]

State = Literal["waiting", "running", "done", "asks", "failed"]
"""``asks``: it waits for a person; one that is ``running`` while no process works was cut off and comes first."""
APPLICATION = 0x4C425155  # "LBQU", so that another program's database is not taken for a queue
TABLE = (
    "CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " folder TEXT NOT NULL, words TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL)"
)
RENAMED = {"--gate": "--approval", "--seed": "--random-seed"}
"""Options that an earlier version put into its queues → what they are called now."""
LOST = "remove it, and repeat the `bootstrap queue add` commands: finished runs are not done again"
"""What to do about a queue that cannot be read."""
SHORTEST = 60.0
"""Seconds that a character gets at least."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A character to be worked on by `bootstrap run` with these ``words`` in ``folder``; ``run`` is its run's folder.

    ``reason`` says why it failed or waits; "" otherwise.
    """

    number: int
    run: str
    name: str
    folder: str
    words: tuple[str, ...]
    state: State
    reason: str


class Queue:
    """The queue in a file, made if missing. Raises StoreError when the file is none, OutputError when unwritable."""

    def __init__(self, path: Path) -> None:
        """Open it; nothing is held open in between."""
        self.path = path
        with self._change() as db:
            application = int(db.execute("PRAGMA application_id").fetchone()[0])
            if application != APPLICATION and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                raise StoreError(f"'{path}' is a database of another program", "give another --file")
            if (found := db.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                raise StoreError(f"the queue '{path}' is damaged ({found})", LOST)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(TABLE)
            if "said" in [row["name"] for row in db.execute("PRAGMA table_info(entries)")]:  # of an earlier version
                db.execute("ALTER TABLE entries RENAME COLUMN said TO reason")

    def add(self, run: Path, name: str, folder: Path, words: Sequence[str]) -> Entry:
        """Put a character at the end; one whose run is in the queue waits again, in its place, with these words."""
        values = (os.fsencode(run), name, os.fsencode(folder), json.dumps(list(words)))
        with self._change() as db:
            db.execute(
                "INSERT INTO entries (run, name, folder, words, state, reason)"
                " VALUES (CAST(? AS TEXT), ?, CAST(? AS TEXT), ?, 'waiting', '')"
                " ON CONFLICT (run) DO UPDATE SET name = excluded.name, folder = excluded.folder,"
                " words = excluded.words, state = 'waiting', reason = ''",
                values,
            )
        return next(entry for entry in self.entries() if entry.run == str(run))

    def entries(self) -> list[Entry]:
        """All entries, in the order in which they were added."""
        with self._change() as db:
            found = db.execute("SELECT * FROM entries ORDER BY number").fetchall()
        try:
            return [_entry(row) for row in found]
        except (ValueError, TypeError, AttributeError) as error:
            raise StoreError(f"the queue '{self.path}' is damaged ({error})", LOST) from error

    def next(self) -> Entry | None:
        """The entry that was cut off, or the first that waits; None when nothing is left."""
        entries = self.entries()
        for state in ("running", "waiting"):
            for entry in entries:
                if entry.state == state:
                    return entry
        return None

    def left(self) -> int:
        """How many are left to work on, the one under way included."""
        return sum(entry.state in ("waiting", "running") for entry in self.entries())

    def mark(self, number: int, state: State, reason: str = "") -> None:
        """Store the state of an entry, and why."""
        with self._change() as db:
            db.execute("UPDATE entries SET state = ?, reason = ? WHERE number = ?", (state, reason, number))

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as db, db:
                db.row_factory = sqlite3.Row
                db.text_factory = os.fsdecode  # paths need not be UTF-8
                yield db
        except sqlite3.OperationalError as error:
            raise OutputError(f"cannot use the queue '{self.path}': {error}", "check folder and disk") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"'{self.path}' is no queue ({error})", "give another --file") from error


def share_of(left: float, waiting: int) -> float:
    """Seconds for the next of so many characters that share what is left: the same for each, at least a minute.

    What one leaves, or takes too much, is shared by those after it.
    """
    return max(SHORTEST, left / max(1, waiting))


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(**{**dict(row), "words": tuple(_renamed(word) for word in json.loads(row["words"]))})


def _renamed(word: str) -> str:
    """A word of a command line; an option by its present name."""
    option, equals, value = word.partition("=")
    return f"{RENAMED.get(option, option)}{equals}{value}"
