"""An audit of any folder of captioned pictures, of whatever trainer: what would teach a LoRA something unintended.

Field practice: a tag that is in nearly every caption is swallowed with the trigger, the trigger comes first (C5, D5),
tags do not contradict each other (D3), pictures are no clones (D4). Knows no model; `bootstrap.dataset.caption_check` asks one.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from bootstrap.captions.conflicts import conflicts
from bootstrap.seeds import SUFFIXES
from scoring.duplicates import bits_apart, difference_hash

__all__ = ["CaptionAudit", "Captioned", "Finding", "Intent", "audit", "read_folder"]

EVERYWHERE = 0.85
"""Share of the captions from which a tag counts as being in all of them."""
FEWEST = 4
"""Captions below which nothing can be said of shares."""
CLONES = 0.03
"""Share of clones that a set bears (field practice D4)."""
ALIKE = 3
"""Bits of a 64-bit perceptual hash in which clones differ at most."""
ALTERED = ("greyscale", "monochrome", "sketch", "lowres", "low quality", "mirrored", "altered")
"""Tags that say that a copy was altered on purpose: it is no clone."""
COUNTS = ("1girl", "1boy", "1other", "solo", "no humans", "a girl", "a boy", "a character")
"""Core tags that a set of one character has in every caption."""
STYLES = (
    "cel shading", "flat color", "anime screencap", "anime coloring", "sketch", "watercolor", "pastel", "monochrome",
    "pixel art", "3d render", "3d", "photograph", "photo", "oil painting", "official art", "concept art",
)  # fmt: skip
"""Style switches: one of them may be in every caption (D5, B8)."""
CAPTIONS = (".txt", ".caption")
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Captioned:
    """A picture and the tags beside it; ``tags`` is None without a caption; ``trouble`` says what could not be read."""

    path: Path
    tags: tuple[str, ...] | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a set: what, how bad, where (files, in order), and what to do."""

    kind: str
    severity: Severity
    message: str
    files: tuple[str, ...]
    hint: str

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind, "severity": self.severity, "message": self.message, "files": list(self.files),
            "hint": self.hint,
        }  # fmt: skip


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


def read_folder(folder: Path) -> tuple[list[Captioned], list[Path]]:
    """Every picture below a folder with its ``.txt`` or ``.caption``, in order; and captions that have no picture."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    stems = {path.with_suffix("") for path in pictures}
    among = {path.parent for path in pictures}
    texts = [path for path in files if path.suffix.lower() in CAPTIONS and path.parent in among]
    return [_captioned(path) for path in pictures], [path for path in texts if path.with_suffix("") not in stems]


def audit(folder: Path, set_: Sequence[Captioned], orphans: Sequence[Path], intent: Intent) -> CaptionAudit:
    """Look at a whole set. Opens every picture once, for its clones."""
    told = [one for one in set_ if one.tags]
    triggers = {one.path: intent.trigger or _trigger_of(one.path.parent, told) for one in set_}
    names = tuple(dict.fromkeys(trigger for trigger in triggers.values() if trigger))
    counted = Counter(tag for one in told for tag in set(one.tags or ()))
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    shares = {tag: count / len(told) for tag, count in ordered}
    findings = [
        *_unreadable(folder, set_), *_missing(folder, set_, orphans), *_trigger_first(folder, told, triggers),
        *_everywhere(folder, told, shares, intent, names), *_absorbed(folder, told, intent),
        *_contradictions(folder, told), *_repeated(folder, told), *_clones(folder, set_),
    ]  # fmt: skip
    order = {"error": 0, "warning": 1}
    findings.sort(key=lambda one: order[one.severity])
    return CaptionAudit(folder, len(set_), len(told), names, shares, tuple(findings))


def _captioned(picture: Path) -> Captioned:
    beside = (picture.with_suffix(suffix) for suffix in CAPTIONS)
    sidecar = next((path for path in beside if path.is_file()), None)
    if sidecar is None:
        return Captioned(picture, None)
    try:
        text = sidecar.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return Captioned(picture, None, f"{sidecar.name} cannot be read: {type(error).__name__}")
    return Captioned(picture, tuple(tag for tag in (" ".join(part.split()) for part in text.split(",")) if tag))


def _trigger_of(folder: Path, told: Sequence[Captioned]) -> str:
    """The trigger of a folder: of its name as trainers write it (10_mikachr), or the commonest first tag of the set."""
    if named := re.match(r"\d+_(\S+)", folder.name):
        return named[1]
    first = Counter(one.tags[0] for one in told if one.tags).most_common(1)
    return first[0][0] if first and first[0][1] > len(told) / 2 and first[0][0] not in COUNTS else ""


def _unreadable(folder: Path, set_: Sequence[Captioned]) -> list[Finding]:
    found = [one for one in set_ if one.trouble]
    return [_finding(folder, "unreadable", "error", one.trouble, [one.path], "save it as UTF-8 text") for one in found]


def _missing(folder: Path, set_: Sequence[Captioned], orphans: Sequence[Path]) -> list[Finding]:
    without = [one.path for one in set_ if one.tags is None and not one.trouble]
    empty = [one.path for one in set_ if one.tags == ()]
    found = []
    if without:
        found.append(_finding(folder, "caption missing", "error", "pictures without caption", without, "write a .txt"))
    if empty:
        found.append(_finding(folder, "caption empty", "error", "captions without a tag", empty, "write its tags"))
    if orphans:
        hint = "remove them, or bring their pictures back"
        found.append(_finding(folder, "caption alone", "warning", "captions without a picture", orphans, hint))
    return found


def _trigger_first(folder: Path, told: Sequence[Captioned], triggers: Mapping[Path, str]) -> list[Finding]:
    wrong: dict[str, list[Path]] = defaultdict(list)
    for one in told:
        if triggers[one.path] and one.tags and one.tags[0] != triggers[one.path]:
            wrong[triggers[one.path]].append(one.path)
    found = [
        _finding(folder, "trigger", "error", f'"{name}" is not the first tag', files, "put the trigger at the head")
        for name, files in wrong.items()
    ]
    if told and not any(triggers.values()):
        message = "no trigger: no first tag that most captions share"
        found.append(_finding(folder, "trigger", "warning", message, [], "name it: --trigger WORD"))
    return found


def _everywhere(
    folder: Path, told: Sequence[Captioned], shares: Mapping[str, float], intent: Intent, triggers: Iterable[str]
) -> list[Finding]:
    """Tags that are learned as part of the character because hardly a caption lacks them."""
    if len(told) < FEWEST:
        return []
    meant = {*triggers, *intent.everywhere, *COUNTS}
    common = [tag for tag, share in shares.items() if share >= EVERYWHERE and tag not in meant]
    styles = [tag for tag in common if tag in STYLES]
    hint = "vary it, or leave it out if the trigger should mean it (--intended if it should stay)"
    return [
        _finding(
            folder, "in every caption", "error", f'"{tag}" is in {shares[tag]:.0%} of the captions',
            [one.path for one in told if tag in (one.tags or ())], hint,
        )
        for tag in common if tag not in styles[:1]
    ]  # fmt: skip


def _absorbed(folder: Path, told: Sequence[Captioned], intent: Intent) -> list[Finding]:
    named: dict[str, list[Path]] = defaultdict(list)
    for one in told:
        for tag in sorted(intent.absorbed & set(one.tags or ())):
            named[tag].append(one.path)
    hint = "leave it out of the captions of the last training"
    return [
        _finding(folder, "identity named", "warning", f'"{tag}" is what the trigger should mean', files, hint)
        for tag, files in named.items()
    ]


def _contradictions(folder: Path, told: Sequence[Captioned]) -> list[Finding]:
    found: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for one in told:
        for pair in conflicts(one.tags or ()):
            found[pair].append(one.path)
    return [
        _finding(folder, "conflict", "error", f'"{a}" and "{b}" in one caption', files, "keep what the picture shows")
        for (a, b), files in found.items()
    ]


def _repeated(folder: Path, told: Sequence[Captioned]) -> list[Finding]:
    twice = [one.path for one in told if one.tags and len(set(one.tags)) < len(one.tags)]
    if not twice:
        return []
    return [_finding(folder, "tag twice", "warning", "a tag is written twice in one caption", twice, "write it once")]


def _clones(folder: Path, set_: Sequence[Captioned]) -> list[Finding]:
    """The same file twice, and more near-duplicates than a set bears; copies that say they were altered are none."""
    found, same, kept = [], defaultdict(list), []
    for one in set_:
        try:
            data = one.path.read_bytes()
            with Image.open(one.path) as image:
                kept.append((one, difference_hash(image)))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            message = f"it is no picture: {type(error).__name__}"
            found.append(_finding(folder, "unreadable", "error", message, [one.path], "remove it or save it again"))
            continue
        same[hashlib.sha256(data).digest()].append(one.path)
    for files in same.values():
        if len(files) > 1:
            found.append(_finding(folder, "duplicate", "error", "the same file", files, "keep one of them"))
    again = {path for files in same.values() for path in files[1:]}
    near = _near([(one, mark) for one, mark in kept if one.path not in again and not _altered(one)])
    if len(near) > CLONES * len(set_):
        message = f"nearly the same picture as another: {len(near) / len(set_):.0%} of the set"
        found.append(_finding(folder, "clone", "warning", message, near, f"keep at most {CLONES:.0%}, or alter them"))
    return found


def _near(marked: Sequence[tuple[Captioned, int]]) -> list[Path]:
    """The pictures that are nearly one that comes before them."""
    return [
        one.path for place, (one, mark) in enumerate(marked)
        if any(bits_apart(mark, other) <= ALIKE for _, other in marked[:place])
    ]  # fmt: skip


def _altered(one: Captioned) -> bool:
    return any(tag in ALTERED for tag in one.tags or ())


def _finding(folder: Path, kind: str, severity: Severity, message: str, files: Iterable[Path], hint: str) -> Finding:
    return Finding(kind, severity, message, tuple(path.relative_to(folder).as_posix() for path in files), hint)
