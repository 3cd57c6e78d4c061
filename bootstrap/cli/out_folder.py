"""The folder that a command writes into: refused where it holds something, marked until it is whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bootstrap.errors import OutputError
from bootstrap.store.files import TEMPORARY, sweep_temporaries, write_atomic

__all__ = ["marked", "refuse_full"]


def refuse_full(out: Path) -> None:
    """Raise OutputError unless a folder is empty, new, or what a killed command began."""
    try:
        names = [path.name for path in out.iterdir()] if out.exists() else []
    except OSError as error:
        raise OutputError(f'"{out}" is not an empty folder ({error.strerror})', "choose another --out") from error
    if names and not any(name.endswith(TEMPORARY) for name in names):
        raise OutputError(f'"{out}" is not an empty folder', "choose another --out")


@contextlib.contextmanager
def marked(folder: Path) -> Iterator[None]:
    """A block that fills a folder; a file in it says so until it is whole, so that a killed command can be repeated."""
    write_atomic(folder / f".unfinished{TEMPORARY}", b"a command writes here, or was killed: repeat it\n")
    yield
    sweep_temporaries(folder)
