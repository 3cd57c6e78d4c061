"""What the captions of a character set must show: the back, a side, both sides, a view from above or from below.

After the minimums of guides to character LoRAs. Knows no picture but by its caption.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bootstrap.dataset.findings import Finding, finding
from bootstrap.dataset.intent import Intent
from bootstrap.pictures import PictureFile
from bootstrap.pictures.caption_text import folded, named_in

__all__ = ["coverage_findings"]

SMALLEST = 20
"""Captions from which a set is held to the minimums: fewer are a first version."""
NAMED = 0.5
"""Share of the captions that must name a view: other sets leave views uncaptioned, and nothing can be said."""
MINIMUMS = {
    "the back": ("from behind", "facing away", "back view", "from back"),
    "a side": ("from side", "from the side", "profile", "side view"),
    "a view from above or below": ("from above", "from below", "high angle", "low angle"),
}
"""What must be seen → the words that say it."""
SIDES = ("facing left", "facing right")
VIEWS = (
    *(word for words in MINIMUMS.values() for word in words), *SIDES,
    "from front", "from the front", "front view", "facing viewer", "three-quarter view", "looking at viewer",
)  # fmt: skip
LONGEST = 3
"""Words of the longest of them, as a tag."""
REPEATS = re.compile(r"(\d+)_\S")
UNEQUAL = 2.0
"""How much more often than another a folder may be seen: repeats times pictures."""


def coverage_findings(folder: Path, pictures: Sequence[PictureFile], intent: Intent) -> Iterator[Finding]:
    """What a set lacks, and folders that are seen much more often than others; ``pictures`` have captions."""
    if len(pictures) >= SMALLEST:
        yield from _lacking(folder, pictures, intent)
    seen = {} if intent.planned else _exposures(folder, pictures)  # a plan has shares of its own
    if len(seen) > 1 and max(seen.values()) > UNEQUAL * min(seen.values()):
        named = ", ".join(f"{name} {count}" for name, count in seen.items())
        hint = "change the repeats at the head of the folders' names"
        yield finding(folder, "unbalanced", "warning", f"repeats times pictures differ: {named}", [], hint)


def _exposures(folder: Path, pictures: Sequence[PictureFile]) -> dict[str, int]:
    """Folder named as sd-scripts wants it → how many pictures of it an epoch shows."""
    found: dict[str, int] = {}
    for one in pictures:
        if named := REPEATS.match(one.path.parent.name):
            name = one.path.parent.relative_to(folder).as_posix()
            found[name] = found.get(name, 0) + int(named[1])
    return found


def _lacking(folder: Path, pictures: Sequence[PictureFile], intent: Intent) -> Iterator[Finding]:
    said = {one.path: _said(one.tags) for one in pictures}
    planned = _said(intent.planned) if intent.planned else frozenset(VIEWS)  # without a plan a set should have them all
    if sum(not words.isdisjoint(VIEWS) for words in said.values()) < NAMED * len(pictures):
        return
    seen = frozenset[str]().union(*said.values())
    for what, words in MINIMUMS.items():
        if seen.isdisjoint(words) and not planned.isdisjoint(words):
            hint = "add such pictures: the character is lost from there"
            yield finding(folder, "view missing", "error", f"no caption says that it shows {what}", [], hint)
    for side, other in (SIDES, SIDES[::-1]):
        if side in seen and other in planned and other not in seen:
            files = [path for path, words in said.items() if side in words]
            message = f'every picture from a side is "{side}", none "{other}"'
            yield finding(folder, "one side", "error", message, files, "add the other side")


def _said(tags: Iterable[str]) -> frozenset[str]:
    """The words for views that tags, or the sentences among them, say."""
    found: list[str] = []
    for tag in tags:
        if len(tag.split()) > LONGEST:
            found += named_in(tag, VIEWS)
        elif folded(tag) in VIEWS:
            found.append(folded(tag))
    return frozenset(found)
