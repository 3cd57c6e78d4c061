"""The core tag of a captioned set: is it in every caption, and the same in all of them? Knows no picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bootstrap.character.core_tag import core_tags_in, drafted_core_tag
from bootstrap.dataset.caption_tags import FEWEST
from bootstrap.dataset.findings import Finding, finding
from bootstrap.dataset.intent import Intent
from bootstrap.pictures import PictureFile
from bootstrap.pictures.caption_text import folded, is_sentence

__all__ = ["core_findings"]

KIND = "core tag"


def core_findings(
    folder: Path, pictures: Sequence[PictureFile], triggers: Mapping[Path, str], intent: Intent
) -> Iterator[Finding]:
    """Captions without the core tag of their subject, or with another one; ``pictures`` have captions.

    The core tag is the intended one, else the commonest of the captions with the same trigger.
    """
    groups: dict[str, list[PictureFile]] = defaultdict(list)
    for one in pictures:
        groups["" if intent.core_tag else triggers[one.path]].append(one)
    for trigger, group in groups.items():
        yield from _of_one_subject(folder, group, trigger, intent)


def _of_one_subject(folder: Path, pictures: Sequence[PictureFile], trigger: str, intent: Intent) -> Iterator[Finding]:
    said = {one.path: core_tags_in(one.tags) for one in pictures}
    counts = Counter(tag for tags in said.values() for tag in tags)
    core = folded(intent.core_tag) or next((tag for tag, _ in counts.most_common(1)), "")
    if not core:
        sentences = sum(is_sentence(tag) for one in pictures for tag in one.tags)
        if intent.asks_core and trigger and len(pictures) >= FEWEST and not sentences:
            hint = f'put one into all: bootstrap tags FOLDER --add "{drafted_core_tag(trigger)}"'
            yield finding(folder, KIND, "warning", "no caption has a tag of name, what it is and focus", [], hint)
        return
    others: dict[str, list[Path]] = defaultdict(list)
    for path, tags in said.items():
        for tag in tags:
            if tag != core:
                others[tag].append(path)
    for other, files in others.items():
        message = f'"{other}" is another core tag than "{core}"'
        yield finding(folder, KIND, "error", message, files, "write the same core tag into every caption")
    if lacking := [path for path, tags in said.items() if not tags]:
        message = f'the core tag "{core}" is missing'
        yield finding(folder, KIND, "error", message, lacking, "write the same core tag into every caption")
