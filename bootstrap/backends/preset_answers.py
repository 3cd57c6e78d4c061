"""What a person said of a checkpoint that says too little of itself, kept by its sha256: it is asked once.

The answers lie in the cache folder; without them a person is asked again. Knows no question.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bootstrap.machine.inventory import cache_folder
from bootstrap.store.files import write_atomic

__all__ = ["BaseAnswer", "remember", "remembered"]


@dataclass(frozen=True, slots=True)
class BaseAnswer:
    """``look`` is "drawn" or "photo", ``words`` "tags", "scores" or "sentences", ``distilled`` a way or ""."""

    look: str = ""
    words: str = ""
    distilled: str = ""


def remember(digest: str, answer: BaseAnswer) -> None:
    """Keep an answer for the base with this `bootstrap.backends.whole_digest`."""
    write_atomic(_file(digest), json.dumps(asdict(answer)).encode())


def remembered(digest: str) -> BaseAnswer | None:
    """The answer for the base with this digest, None where there is none that can be read."""
    try:
        found = json.loads(_file(digest).read_text(encoding="utf-8"))
        return BaseAnswer(**{name: str(value) for name, value in found.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _file(digest: str) -> Path:
    return cache_folder() / "bases" / f"{digest}.json"
