"""Rows of the result: one JSON file for each character and contestant, written whole or not at all.

Knows no model: a row is plain data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bootstrap.errors import UsageError
from bootstrap.store.files import write_atomic

Row = Mapping[str, Any]


def path_of(work: Path, character: int, contestant: str) -> Path:
    """Where a row lies."""
    return work / "rows" / f"{character}-{contestant}.json"


def hold(work: Path, key: str) -> None:
    """Hold the work folder to one base, judge and settings.

    Raises UsageError when it was begun with another: what lies there cannot stand beside new rows.
    """
    path = work / "key"
    if not path.is_file():
        write_atomic(path, key.encode())
    known = path.read_text("utf-8")
    if known != key:
        raise UsageError(
            f"'{work}' was begun with another base, judge or other settings ('{known}', now '{key}')",
            "give another --work, or what it was begun with",
        )


def read(work: Path, character: int, contestant: str) -> Row | None:
    """The row, or None if it is not there yet."""
    path = path_of(work, character, contestant)
    if not path.is_file():
        return None
    row: Row = json.loads(path.read_text("utf-8"))
    return row


def write(work: Path, row: Row) -> None:
    """Commit a row."""
    path = path_of(work, row["character"], row["contestant"])
    write_atomic(path, (json.dumps(row, indent=1, ensure_ascii=False) + "\n").encode())


def read_every(work: Path) -> list[Row]:
    """Every row there is, by file name."""
    return [json.loads(path.read_text("utf-8")) for path in sorted((work / "rows").glob("*.json"))]


def read_all(work: Path, contestants: Sequence[str]) -> list[Row]:
    """Every row of these contestants, by character, in their order."""
    rows = [row for row in read_every(work) if row["contestant"] in contestants]
    return sorted(rows, key=lambda row: (row["character"], contestants.index(row["contestant"])))
