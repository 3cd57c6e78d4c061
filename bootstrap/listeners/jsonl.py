"""log.jsonl: every stored event as one line of JSON, for tools that follow a run.

The rows of the store are the truth: when a run opens, the log is written anew from them, which restores lines that a
kill lost or tore; from then on it is appended to. Knows no terminal and no meaning of events.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bootstrap.events import Event, Progress, as_row
from bootstrap.store.files import write_atomic

__all__ = ["JsonLog"]


class JsonLog:
    """A listener that appends to ``path``. ``past`` are the rows so far (`Store.log`); raises OutputError."""

    def __init__(self, path: Path, past: Sequence[Mapping[str, Any]]) -> None:
        """Write ``past``; later events are appended."""
        self._path = path
        write_atomic(path, b"".join(map(_line, past)))

    def __call__(self, event: Event) -> None:
        """Append one event; `Progress` is left out. A full disk is reported by the store: the row is safe."""
        if isinstance(event, Progress):
            return
        row = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **as_row(event)}
        with contextlib.suppress(OSError), self._path.open("ab") as file:
            file.write(_line(row))


def _line(row: Mapping[str, Any]) -> bytes:
    """A row; halves of characters, of names that are no UTF-8, are escaped as JSON has it."""
    return (json.dumps(row, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
