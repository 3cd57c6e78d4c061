"""Where answers of readers are kept, so that nothing is asked twice: in a run, or in the user's cache.

An answer is found by the digest of everything it depends on: model, prompt, schema, pictures.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol

from bootstrap.machine.inventory import cache_folder
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

__all__ = ["AnswersInFolder", "AnswersInRun", "KeptAnswers", "cached_answers"]


class KeptAnswers(Protocol):
    """Texts by their digest."""

    final: bool
    """Whether an answer that was given up is replayed too; else the model is asked again by the next command."""

    def find(self, digest: str) -> str | None:
        """The kept text, or None."""

    def keep(self, digest: str, text: str) -> None:
        """Keep a text."""


class AnswersInFolder:
    """A file for each answer."""

    final = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, digest: str) -> str | None:
        """See `KeptAnswers`."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return self._place(digest).read_text(encoding="utf-8")
        return None

    def keep(self, digest: str, text: str) -> None:
        """See `KeptAnswers`. Raises OutputError."""
        write_atomic(self._place(digest), text.encode())

    def _place(self, digest: str) -> Path:
        return self.folder / f"{digest}.json"


class AnswersInRun:
    """Facts of a run: its second process is answered as the first one was."""

    final = True

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, digest: str) -> str | None:
        """See `KeptAnswers`."""
        return self._store.recall(f"reader {digest}")

    def keep(self, digest: str, text: str) -> None:
        """See `KeptAnswers`."""
        self._store.remember(f"reader {digest}", text)


def cached_answers() -> AnswersInFolder:
    """The answers that commands without a run share."""
    return AnswersInFolder(cache_folder() / "answers")
