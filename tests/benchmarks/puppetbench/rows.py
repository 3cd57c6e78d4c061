"""Rows of the result: one JSON file for each character and contestant, written atomically.

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


def row_path(work: Path, character: int, contestant: str) -> Path:
    """The file of a row."""
    return work / "rows" / f"{character}-{contestant}.json"


def require_key(work: Path, key: str) -> None:
    """Store the key of a new work folder, and compare it with that of an old one.

    Raises UsageError when they differ: rows of another base, judge or settings cannot be compared with new ones.
    """
    path = work / "key"
    if not path.is_file():
        write_atomic(path, key.encode())
    stored = path.read_text("utf-8")
    if stored != key:
        raise UsageError(
            f"'{work}' was begun with another base, judge or other settings ('{stored}', now '{key}')",
            "give another --work, or what it was begun with",
        )


def read(work: Path, character: int, contestant: str) -> Row | None:
    """The row, or None if it does not exist yet."""
    path = row_path(work, character, contestant)
    if not path.is_file():
        return None
    row: Row = json.loads(path.read_text("utf-8"))
    return row


def write(work: Path, row: Row) -> None:
    """Store a row."""
    path = row_path(work, row["character"], row["contestant"])
    write_atomic(path, (json.dumps(row, indent=1, ensure_ascii=False) + "\n").encode())


def read_folder(work: Path) -> list[Row]:
    """Every row of a folder, by file name."""
    return [json.loads(path.read_text("utf-8")) for path in sorted((work / "rows").glob("*.json"))]


def read_all(work: Path, contestants: Sequence[str]) -> list[Row]:
    """Every row of these contestants, by character, in their order."""
    rows = [row for row in read_folder(work) if row["contestant"] in contestants]
    return sorted(rows, key=lambda row: (row["character"], contestants.index(row["contestant"])))
