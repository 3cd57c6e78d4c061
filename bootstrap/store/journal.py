"""One transaction for a change and its event; listeners get the event only after the commit.

Changes and queries a database safely from several threads. Knows nothing of its contents but the events.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bootstrap.events import Emit, Event, Progress
from bootstrap.store.person_copy import append_copy
from bootstrap.store.read_only import connect_to_read
from bootstrap.store.rows import text_of
from bootstrap.store.schema import connect, translate
from bootstrap.store.snapshots import take_snapshot

__all__ = ["Journal", "now"]


class Journal:
    """An open database (see `bootstrap.store.schema.connect` for what opening may raise)."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        """Open, or make, the database at ``path``; ``read_only`` changes nothing there."""
        self._path = path
        self._db = connect_to_read(path) if read_only else connect(path)
        self._turn = threading.RLock()
        self._listeners: list[Emit] = []

    def close(self) -> None:
        """Close the database; a second call does nothing."""
        self._db.close()

    def listen(self, emit: Emit) -> None:
        """Add a listener."""
        self._listeners.append(emit)

    @contextmanager
    def change(self, event: Event | None) -> Iterator[sqlite3.Connection]:
        """One transaction with its event; listeners get it after the commit. Nothing stays if the body raises."""
        with self._turn, self._translating():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                if event is not None and not isinstance(event, Progress):
                    values = (now(), type(event).__name__, text_of(event))
                    self._db.execute("INSERT INTO events (at, kind, record) VALUES (?, ?, ?)", values)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        if event is not None:
            self.publish(event)

    def publish(self, event: Event) -> None:
        """Hand an event to every listener, in the order in which they were added."""
        for emit in self._listeners:
            emit(event)

    def all(self, query: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a query."""
        with self._turn, self._translating():
            return self._db.execute(query, values).fetchall()

    def one(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        rows = self.all(query, *values)
        return rows[0] if rows else None

    def snapshot(self) -> None:
        """Copy the database beside itself (see `bootstrap.store.snapshots`)."""
        with self._turn, self._translating():
            take_snapshot(self._db, self._path)

    def copy_rows(self, table: str, column: str, values: Sequence[object]) -> None:
        """Write rows with these values in a column to the copy of what a person did."""
        for value in values:
            for row in self.all(f"SELECT * FROM {table} WHERE {column} = ?", value):
                append_copy(self._path.parent, table, dict(row))

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translate(error, self._path) from error


def now() -> str:
    """The time, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
