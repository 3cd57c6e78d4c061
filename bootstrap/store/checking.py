"""Whether a database holds what was stored: pages, rows, references, and all that its newest snapshot holds.

Changes nothing. Knows tables and the shape of records, no domain verb.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from bootstrap.store import decisions
from bootstrap.store.checksums import TABLES, altered_rows, columns_of
from bootstrap.store.decisions import decision_from
from bootstrap.store.rows import (
    adapter_from,
    event_from,
    job_from,
    measurement_from,
    round_from,
    seed_from,
    verdict_from,
)
from bootstrap.store.schema import look
from bootstrap.store.snapshots import snapshot_uri, whole_snapshot

__all__ = ["KEYS", "UNDRAWN", "readable", "torn_rows", "what_is_wrong", "wrong_in"]

KEYS: Mapping[str, str] = {
    "facts": "name",
    "seeds": "sha256",
    "rounds": "number",
    "jobs": "id",
    "frames": "id",
    "measurements": "frame || ' ' || scorer",
    "adapters": "id",
    "timings": "stage",
}
"""What tells the rows of a table apart; in all others it is their number, ``seq``."""
MOST_NAMED = 4
"""Problems that a line names."""
UNDRAWN = (
    "SELECT jobs.round, jobs.wave FROM jobs WHERE jobs.round > 0 AND jobs.kind != 'probe'"
    " AND EXISTS (SELECT 1 FROM events WHERE events.kind = 'FramesJudged'"
    " AND json_extract(events.record, '$.round') = jobs.round AND json_extract(events.record, '$.wave') = jobs.wave)"
    " AND (jobs.id NOT IN (SELECT id FROM frames) AND NOT EXISTS (SELECT 1 FROM decisions WHERE"
    " decisions.kind = 'WaveCut' AND json_extract(decisions.record, '$.round') = jobs.round"
    " AND json_extract(decisions.record, '$.wave') = jobs.wave)"
    " OR jobs.kind = 'candidate' AND jobs.id IN (SELECT id FROM frames)"
    " AND jobs.id NOT IN (SELECT frame FROM verdicts))"
)
"""(round, wave) of waves that were judged although a picture of theirs, or its verdict, is not there."""


def what_is_wrong(path: Path) -> str:
    """Why the database, of the present version, is not as it was stored, in words; "" if it is."""
    try:
        with closing(look(path)) as db:
            return wrong_in(db, path)
    except sqlite3.Error as error:
        return str(error)


def wrong_in(db: sqlite3.Connection, path: Path) -> str:
    """The same of an open database, whose file and snapshots are, or were, at ``path``."""
    found: list[str] = []
    try:
        for problem in itertools.islice(_problems(db, path), MOST_NAMED):
            found.append(problem)
    except sqlite3.Error as error:
        found.append(str(error))
    return "; ".join(found)


def torn_rows(db: sqlite3.Connection, table: str) -> list[int]:
    """The numbers of the rows that are not as they were stored, or that nothing can be made of."""
    columns, found = columns_of(db, table), set(altered_rows(db, table))
    for row in db.execute(f"SELECT rowid, {', '.join(columns)} FROM main.{table}"):
        if not readable(table, dict(zip(columns, tuple(row)[1:], strict=True))):
            found.add(row[0])
    return sorted(found)


def readable(table: str, row: Mapping[str, object]) -> bool:
    """Whether a row is one of its table: whether its record can be made of it."""
    values: dict[str, object] = dict(row)
    try:
        _read(table, values)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return False
    return True


def _read(table: str, row: dict[str, object]) -> None:
    """Make the record of a row; raises what that raises."""
    text = str(row.get("record"))
    match table:
        case "jobs":
            job_from(text)
        case "seeds":
            seed_from(text)
        case "adapters":
            adapter_from(text)
        case "decisions":
            decision_from(getattr(decisions, str(row["kind"])), text)
        case "events":
            event_from(row)
        case "rounds":
            round_from(row)
        case "verdicts":
            verdict_from(row)
        case "measurements":
            value = measurement_from(row).value
            if not isinstance(value, float | int | None):
                raise TypeError
        case _:
            return


def _problems(db: sqlite3.Connection, path: Path) -> Iterator[str]:
    """All that is wrong, the gravest first."""
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if lacking := sorted(set(TABLES) - tables):
        yield f"the table '{lacking[0]}' is missing"
    (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        yield str(found)
    for table in TABLES:
        if rows := torn_rows(db, table):
            yield f"{len(rows)} of {table} not as stored"
    if row := db.execute("PRAGMA foreign_key_check").fetchone():
        yield f"a row of {row[0]} refers to nothing in {row[2]}"
    if snapshot := whole_snapshot(path):
        with contextlib.suppress(sqlite3.Error):
            yield from _fewer(db, snapshot)
    if row := db.execute(UNDRAWN).fetchone():
        yield f"pictures or verdicts of round {row[0]} are missing"


def _fewer(db: sqlite3.Connection, snapshot: Path) -> Iterator[str]:
    """Tables that lack rows which the snapshot holds."""
    db.execute("ATTACH ? AS snapshot", (snapshot_uri(snapshot),))
    try:
        for table in TABLES:
            if table == "measurements":  # they are made again where a picture is, and then fewer for a moment
                continue
            key = KEYS.get(table, "seq")
            query = f"SELECT count(*) FROM snapshot.{table} WHERE {key} NOT IN (SELECT {key} FROM main.{table})"
            if lacking := db.execute(query).fetchone()[0]:
                yield f"{lacking} of {table} are missing that {snapshot.name} holds"
    finally:
        db.execute("DETACH snapshot")
