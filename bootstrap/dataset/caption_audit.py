"""An audit of any folder of captioned pictures, of whatever trainer: what would teach a LoRA something unintended.

A tag that is in nearly every caption is absorbed with the trigger, the trigger comes first, tags do not contradict each
other, pictures are no clones. Knows no model; `bootstrap.dataset.caption_check` asks one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.captions.clip_tokens import CHUNK, LONGEST, clip_tokens
from bootstrap.character.known_words import ordinary_words
from bootstrap.dataset.caption_tags import COUNTS, EVERYWHERE, calls, shares_of, tag_findings
from bootstrap.dataset.clones import clones
from bootstrap.dataset.core_tag_audit import core_findings
from bootstrap.dataset.coverage import coverage_findings
from bootstrap.dataset.findings import Finding, finding
from bootstrap.dataset.flaws import flaws
from bootstrap.dataset.intent import Intent
from bootstrap.dataset.looked_at import look_at
from bootstrap.pictures import PictureFile, orphans, pictures_in, read_pictures, sharing, unread_beside
from bootstrap.pictures.caption_text import folded, is_sentence

__all__ = ["CaptionAudit", "Intent", "audit", "captioned", "read_set"]

SEVERITIES = {"error": 0, "warning": 1}
"""In this order findings are listed."""


@dataclass(frozen=True)
class CaptionAudit:
    """What was found in a folder.

    ``shares`` is tag → share of the captions that have it, the commonest first; ``unread`` are axes that the panel that
    looked reads too badly in these pictures to say anything of them.
    """

    folder: Path
    pictures: int
    captions: int
    triggers: tuple[str, ...]
    shares: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unread: tuple[str, ...] = ()

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
    """Look at a whole set. Opens every picture once, for its clones and flaws."""
    with_tags = captioned(pictures)
    triggers = {one.path: _trigger_of(one.path.parent, with_tags, intent) for one in pictures}
    names = tuple(dict.fromkeys(trigger for trigger in triggers.values() if trigger))
    shares = shares_of(with_tags)
    looked, findings = look_at(folder, pictures)
    findings += [
        *_unreadable(folder, pictures),
        *_missing(folder, pictures),
        *_trigger_first(folder, with_tags, triggers),
        *_trigger_words(folder, names),
        *tag_findings(folder, with_tags, shares, intent, names),
        *core_findings(folder, with_tags, triggers, intent),
        *coverage_findings(folder, with_tags, intent),
        *_long(folder, with_tags),
        *clones(folder, looked),
        *flaws(folder, looked),
    ]
    findings.sort(key=lambda one: SEVERITIES[one.severity])
    return CaptionAudit(folder, len(pictures), len(with_tags), names, shares, tuple(findings))


def _trigger_of(folder: Path, pictures: Sequence[PictureFile], intent: Intent) -> str:
    """The trigger of a folder: an outfit's that it is named by, what is meant, else of its name as trainers write it
    ("10_mikachr", "10_mikachr girl"), or the commonest first tag of the set."""
    named = re.match(r"\d+_(\S.*)", folder.name)
    if named and folded(named[1]) in {folded(outfit.trigger) for outfit in intent.outfits.values()}:
        return named[1].strip()
    if intent.trigger:
        return intent.trigger
    if named:
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


def _long(folder: Path, pictures: Sequence[PictureFile]) -> Iterator[Finding]:
    """Captions that are longer than what CLIP sees at once, and than what sd-scripts trains with at most."""
    counts = {one.path: clip_tokens(one.caption or "") for one in pictures}
    longest = max(counts.values(), default=0)
    beyond = [path for path, count in counts.items() if count > LONGEST]
    longer = [path for path, count in counts.items() if CHUNK < count <= LONGEST]
    if beyond:
        message = f"more than {LONGEST} tokens of CLIP (at most {longest})"
        hint = "shorten them: trainers of Stable Diffusion and SDXL read nothing beyond"
        yield finding(folder, "tokens lost", "warning", message, beyond, hint)
    if longer:
        message = f"more than {CHUNK} tokens of CLIP (at most {max(counts[path] for path in longer)})"
        hint = f"for Stable Diffusion and SDXL: train with --max_token_length {LONGEST} (sd-scripts), or shorten them"
        yield finding(folder, "tokens", "warning", message, longer, hint)


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
    """Captions that do not begin with their trigger, that lack it as a tag of its own where most have it, or have it
    twice."""
    wrong: dict[str, list[Path]] = defaultdict(list)
    times = {one.path: [*map(folded, one.tags)].count(folded(triggers[one.path])) for one in pictures}
    alone = sum(count > 0 for count in times.values()) >= EVERYWHERE * len(pictures)
    for one in pictures:
        name = triggers[one.path]
        if name and not (calls(one.tags[0], name) and (times[one.path] or not alone)):
            wrong[f'"{name}" is not the first tag'].append(one.path)
        elif name and times[one.path] > 1:
            wrong[f'"{name}" is written twice in one caption'].append(one.path)
    found = []
    for message, files in wrong.items():
        found.append(finding(folder, "trigger", "error", message, files, "write the trigger once, at the head"))
    if pictures and not any(triggers.values()):
        message = "no trigger: no first tag that most captions share"
        found.append(finding(folder, "trigger", "warning", message, [], "name it: --trigger WORD"))
    return found


def _trigger_words(folder: Path, triggers: Sequence[str]) -> list[Finding]:
    """Triggers that are ordinary words, or names, as they stand."""
    found = []
    for trigger in triggers:
        if ordinary_words(trigger) == (trigger.lower(),):
            message = f'the trigger "{trigger}" is a word or a name that the base knows'
            found.append(finding(folder, "trigger word", "error", message, [], "call it by a made-up word"))
    return found
