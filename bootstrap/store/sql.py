"""The small pieces of SQL that the verbs of the store share. Knows no connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from bootstrap.records import JobKind

__all__ = ["among", "spend", "where"]


def where(
    round: int | None, wave: int | None, kind: JobKind | None, ids: Sequence[str] | None = None
) -> tuple[str, list[object]]:
    """A WHERE clause over the jobs table and its values; None leaves a condition out."""
    wanted = {"jobs.round = ?": round, "jobs.wave = ?": wave, "jobs.kind = ?": kind.value if kind else None}
    conditions = [condition for condition, value in wanted.items() if value is not None]
    values: list[object] = [value for value in wanted.values() if value is not None]
    if ids is not None:
        conditions.append("jobs.id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(list(ids)))
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def among(column: str, ids: Sequence[str] | None) -> tuple[str, list[object]]:
    """A WHERE clause that takes any number of ids (SQLite limits the number of placeholders); None: all rows."""
    if ids is None:
        return "", []
    return f" WHERE {column} IN (SELECT value FROM json_each(?))", [json.dumps(list(ids))]


def spend(db: sqlite3.Connection, stage: str, seconds: float) -> None:
    """Add seconds to a stage, inside the caller's transaction; nothing is written for zero."""
    if seconds:
        db.execute(
            "INSERT INTO timings (stage, seconds) VALUES (?, ?)"
            " ON CONFLICT (stage) DO UPDATE SET seconds = seconds + excluded.seconds",
            (stage, seconds),
        )
