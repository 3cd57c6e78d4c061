"""An audit of any folder of captioned pictures, of whatever trainer: what would teach a LoRA something unintended.

A tag that is in nearly every caption is absorbed with the trigger, the trigger comes first, tags do not contradict each
other, pictures are no clones. Knows no model; `bootstrap.dataset.caption_check` asks one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.captions.conflicts import conflicts
from bootstrap.dataset.clones import clones
from bootstrap.dataset.findings import Finding, finding
from bootstrap.pictures import PictureFile, orphans, pictures_in, read_pictures, sharing, unread_beside
from bootstrap.pictures.caption_text import folded, is_sentence, named_in

__all__ = ["CaptionAudit", "Intent", "audit", "captioned", "read_set"]

EVERYWHERE = 0.85
"""Share of the captions from which a tag counts as being in all of them."""
FEWEST = 4
"""Captions below which nothing can be said of shares."""
COUNTS = ("1girl", "1boy", "1other", "solo", "no humans", "a girl", "a boy", "a character")
"""Core tags that a set of one character has in every caption."""
STYLES = (
    "cel shading", "flat color", "anime screencap", "anime coloring", "sketch", "watercolor", "pastel", "monochrome",
    "pixel art", "3d render", "3d", "photograph", "photo", "oil painting", "official art", "concept art",
)  # fmt: skip
"""Style switches: one of them may be in every caption, so that leaving it out lets another style in."""
SEVERITIES = {"error": 0, "warning": 1}
"""In this order findings are listed."""


@dataclass(frozen=True)
class Intent:
    """What the author means: the trigger ("" reads it off the folders), tags meant for every caption, and identity
    words that the trigger should absorb instead."""

    trigger: str = ""
    everywhere: frozenset[str] = frozenset()
    absorbed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CaptionAudit:
    """What was found in a folder; ``shares`` is tag → share of the captions that have it, the commonest first."""

    folder: Path
    pictures: int
    captions: int
    triggers: tuple[str, ...]
    shares: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing was found that is an error."""
        return not any(one.severity == "error" for one in self.findings)


def read_set(folder: Path) -> list[PictureFile]:
    """Every picture below a folder with its caption, in order."""
    return read_pictures(pictures_in(folder, levels=None))


def captioned(pictures: Sequence[PictureFile]) -> list[PictureFile]:
    """The pictures whose caption can be read and has a tag."""
    return [picture for picture in pictures if picture.tags and picture.error is None]


def audit(folder: Path, pictures: Sequence[PictureFile], intent: Intent) -> CaptionAudit:
    """Look at a whole set. Opens every picture once, for its clones."""
    with_tags = captioned(pictures)
    triggers = {one.path: intent.trigger or _trigger_of(one.path.parent, with_tags) for one in pictures}
    names = tuple(dict.fromkeys(trigger for trigger in triggers.values() if trigger))
    shares = _shares(with_tags)
    findings = [
        *_unreadable(folder, pictures),
        *_missing(folder, pictures),
        *_trigger_first(folder, with_tags, triggers),
        *_everywhere(folder, with_tags, shares, intent, names),
        *_absorbed(folder, with_tags, intent),
        *_contradictions(folder, with_tags),
        *_repeated(folder, with_tags),
        *clones(folder, pictures),
    ]
    findings.sort(key=lambda one: SEVERITIES[one.severity])
    return CaptionAudit(folder, len(pictures), len(with_tags), names, shares, tuple(findings))


def _shares(pictures: Sequence[PictureFile]) -> dict[str, float]:
    """Tag, as it is written first → share of the captions that have it in any spelling, the commonest first."""
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for picture in pictures:
        for tag in picture.tags:
            spelled.setdefault(folded(tag), tag)
        counts.update(_folded(picture))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {spelled[tag]: count / len(pictures) for tag, count in ordered}


def _folded(picture: PictureFile) -> frozenset[str]:
    """The tags of a caption as they are compared."""
    return frozenset(map(folded, picture.tags))


def _calls(phrase: str, trigger: str) -> bool:
    """Whether the first phrase of a caption says a trigger, or its first word: the second is the class of a folder."""
    return any(named_in(phrase, [name]) for name in (trigger, trigger.split()[0]))


def _trigger_of(folder: Path, pictures: Sequence[PictureFile]) -> str:
    """The trigger of a folder: of its name as trainers write it ("10_mikachr", "10_mikachr girl"), or the commonest
    first tag of the set."""
    if named := re.match(r"\d+_(\S.*)", folder.name):
        return named[1].strip()
    commonest = Counter(picture.tags[0] for picture in pictures).most_common(1)
    for tag, count in commonest:
        if count > len(pictures) / 2 and tag not in COUNTS and not is_sentence(tag):
            return tag
    return ""


def _unreadable(folder: Path, pictures: Sequence[PictureFile]) -> list[Finding]:
    found = []
    for one in pictures:
        if one.error is not None and one.source is not None:
            message = f"{one.source.name} cannot be read: {type(one.error).__name__}"
            found.append(finding(folder, "unreadable", "error", message, [one.path], "save it as UTF-8 text"))
    return found


def _missing(folder: Path, pictures: Sequence[PictureFile]) -> list[Finding]:
    without = [one.path for one in pictures if one.caption is None]
    empty = [one.path for one in pictures if one.caption is not None and not one.tags and one.error is None]
    alone = orphans(folder, [one.path for one in pictures])
    found = []
    if without:
        found.append(finding(folder, "caption missing", "error", "pictures without caption", without, "write a .txt"))
    for source, paths in unread_beside(pictures):
        message = f"{source.name} is not read as a caption"
        found.append(finding(folder, "caption unread", "warning", message, paths, "write a .txt beside each picture"))
    for source, paths in sharing(pictures):
        message = f"{source.name} captions {len(paths)} pictures"
        hint = f"give each its own, for example {paths[0].name}{source.suffix}"
        found.append(finding(folder, "caption shared", "warning", message, paths, hint))
    if empty:
        found.append(finding(folder, "caption empty", "error", "captions without a tag", empty, "write its tags"))
    if alone:
        hint = "remove them, or bring their pictures back"
        found.append(finding(folder, "caption alone", "warning", "captions without a picture", alone, hint))
    return found


def _trigger_first(folder: Path, pictures: Sequence[PictureFile], triggers: Mapping[Path, str]) -> list[Finding]:
    wrong: dict[str, list[Path]] = defaultdict(list)
    for one in pictures:
        if triggers[one.path] and not _calls(one.tags[0], triggers[one.path]):
            wrong[triggers[one.path]].append(one.path)
    found = []
    for name, files in wrong.items():
        message = f'"{name}" is not the first tag'
        found.append(finding(folder, "trigger", "error", message, files, "put the trigger at the head"))
    if pictures and not any(triggers.values()):
        message = "no trigger: no first tag that most captions share"
        found.append(finding(folder, "trigger", "warning", message, [], "name it: --trigger WORD"))
    return found


def _everywhere(
    folder: Path,
    pictures: Sequence[PictureFile],
    shares: Mapping[str, float],
    intent: Intent,
    triggers: Iterable[str],
) -> list[Finding]:
    """Tags that are learned as part of the character because hardly a caption lacks them."""
    if len(pictures) < FEWEST:
        return []
    intended = {*map(folded, intent.everywhere), *COUNTS}
    for trigger in triggers:
        intended |= {folded(word) for word in trigger.split()}
    common = []
    for tag, share in shares.items():
        if share < EVERYWHERE or folded(tag) in intended:
            continue
        if not any(_calls(tag, trigger) for trigger in triggers):
            common.append(tag)
    switches = [tag for tag in common if folded(tag) in STYLES][:1]
    hint = "vary it, or leave it out if the trigger should mean it (--intended if it should stay)"
    found = []
    for tag in common:
        if tag not in switches:
            files = [one.path for one in pictures if folded(tag) in _folded(one)]
            message = f'"{tag}" is in {shares[tag]:.0%} of the captions'
            found.append(finding(folder, "in every caption", "error", message, files, hint))
    return found


def _absorbed(folder: Path, pictures: Sequence[PictureFile], intent: Intent) -> list[Finding]:
    named: dict[str, list[Path]] = defaultdict(list)
    for one in pictures:
        said, tags = [part for part in one.tags if is_sentence(part)], _folded(one)
        for tag in sorted(intent.absorbed):
            if folded(tag) in tags or any(named_in(sentence, [tag]) for sentence in said):
                named[tag].append(one.path)
    hint = "leave it out of the captions of the last training"
    found = []
    for tag, files in named.items():
        message = f'"{tag}" is what the trigger should mean'
        found.append(finding(folder, "identity named", "warning", message, files, hint))
    return found


def _contradictions(folder: Path, pictures: Sequence[PictureFile]) -> list[Finding]:
    pairs: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for one in pictures:
        for pair in conflicts(one.tags):
            pairs[pair].append(one.path)
    found = []
    for (first, second), files in pairs.items():
        message = f'"{first}" and "{second}" in one caption'
        found.append(finding(folder, "conflict", "error", message, files, "keep what the picture shows"))
    return found


def _repeated(folder: Path, pictures: Sequence[PictureFile]) -> list[Finding]:
    files = [one.path for one in pictures if len(_folded(one)) < len(one.tags)]
    if not files:
        return []
    return [finding(folder, "tag twice", "warning", "a tag is written twice in one caption", files, "write it once")]
