"""The tags of a captioned set, one rule after the other: what a LoRA would learn of them by mistake.

Knows no picture but by its caption.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bootstrap.captions.conflicts import conflicts
from bootstrap.character.core_tag import core_tags_in
from bootstrap.character.known_words import names_in
from bootstrap.dataset.findings import Finding, Severity, finding
from bootstrap.dataset.intent import Intent
from bootstrap.dataset.one_background import crossover_for, is_background, one_background
from bootstrap.pictures import PictureFile
from bootstrap.pictures.caption_text import folded, is_sentence, named_in

__all__ = ["COUNTS", "EVERYWHERE", "FEWEST", "MARKS", "calls", "shares_of", "tag_findings"]

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
RARE = 15
"""Pictures that must show an identity tag for the trigger to absorb it; of fewer it is named, as guides advise."""
MANY = 20
"""Captions from which a tag that a single one has is worth a look."""
MARKS = ("watermark", "signature", "artist name", "web address", "patreon username", "twitter username", "logo")
"""What generators and publishers write across pictures: a LoRA learns it."""


def shares_of(pictures: Sequence[PictureFile]) -> dict[str, float]:
    """Tag, as it is written first → share of the captions that have it in any spelling, the commonest first."""
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for picture in pictures:
        for tag in picture.tags:
            spelled.setdefault(folded(tag), tag)
        counts.update(_folded(picture))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {spelled[tag]: count / len(pictures) for tag, count in ordered}


def calls(phrase: str, trigger: str) -> bool:
    """Whether the first phrase of a caption says a trigger, or its first word: the second is the class of a folder."""
    return any(named_in(phrase, [name]) for name in (trigger, trigger.split()[0]))


def tag_findings(
    folder: Path, pictures: Sequence[PictureFile], shares: Mapping[str, float], intent: Intent, triggers: Sequence[str]
) -> Iterator[Finding]:
    """What is wrong with the tags of captions, rule by rule."""
    yield from _everywhere(folder, pictures, shares, intent, triggers)
    yield from _absorbed(folder, pictures, intent)
    yield from _contradictions(folder, pictures)
    hint = "take it out of the caption, or the picture out of the set"
    for tag, files in _saying(pictures, intent.forbidden):
        yield finding(folder, "forbidden", "error", f'"{tag}" is forbidden by the character', files, hint)
    yield from _others(folder, pictures, triggers)
    for mark, files in _saying(pictures, MARKS):
        yield finding(folder, "marked", "warning", f'"{mark}" is in the picture', files, "crop or retouch it away")
    yield from _outfits(folder, pictures, intent)
    yield from _unique(folder, pictures, intent)
    if files := [one.path for one in pictures if len(_folded(one)) < len(one.tags)]:
        yield finding(folder, "tag twice", "warning", "a tag is written twice in one caption", files, "write it once")
    yield from _spellings(folder, pictures)
    yield from _rare(folder, pictures, shares, intent)


def _folded(picture: PictureFile) -> frozenset[str]:
    """The tags of a caption as they are compared."""
    return frozenset(map(folded, picture.tags))


def _saying(pictures: Sequence[PictureFile], tags: Iterable[str]) -> Iterator[tuple[str, list[Path]]]:
    """Each of some tags that captions say, as a tag or in a sentence, with their pictures."""
    said = {one.path: [part for part in one.tags if is_sentence(part)] for one in pictures}
    for tag in sorted(tags):
        files = []
        for one in pictures:
            if tag in _folded(one) or any(named_in(sentence, [tag]) for sentence in said[one.path]):
                files.append(one.path)
        if files:
            yield tag, files


def _everywhere(
    folder: Path,
    pictures: Sequence[PictureFile],
    shares: Mapping[str, float],
    intent: Intent,
    triggers: Iterable[str],
) -> Iterator[Finding]:
    """Tags that are learned as part of the character because hardly a caption lacks them."""
    if len(pictures) < FEWEST:
        return
    intended = {*map(folded, intent.everywhere), *COUNTS, *_worn_in_all({one.path.parent for one in pictures}, intent)}
    for trigger in triggers:
        intended |= {folded(word) for word in trigger.split()}
    common = []
    for tag, share in shares.items():
        if share < EVERYWHERE or folded(tag) in intended:
            continue
        if not core_tags_in([tag]) and not any(calls(tag, trigger) for trigger in triggers):
            common.append(tag)
    switches = [tag for tag in common if folded(tag) in STYLES and intended.isdisjoint(STYLES)][:1]
    hint = "vary it, or leave it out if the trigger should mean it (--intended if it should stay)"
    background = one_background(shares, EVERYWHERE)
    if background in common:
        files = [one.path for one in pictures if folded(background) in _folded(one)]
        message = f'"{background}" is the background of {shares[background]:.0%} of the captions'
        crossover = crossover_for(next(iter(triggers), "NAME"), background)
        ask = f'vary it; where it must stay give it a tag of its own: bootstrap tags FOLDER --add "{crossover}"'
        yield finding(folder, "one background", "error", message, files, ask)
    for tag in common:
        if tag not in switches and not is_background(tag):
            files = [one.path for one in pictures if folded(tag) in _folded(one)]
            message = f'"{tag}" is in {shares[tag]:.0%} of the captions'
            yield finding(folder, "in every caption", "error", message, files, hint)


def _worn_in_all(places: Iterable[Path], intent: Intent) -> set[str]:
    """The clothes of the one outfit that all of these folders are of, by their names; folded."""
    triggers = [outfit.trigger for outfit in intent.outfits.values() if outfit.trigger]
    found, places = set[str](), list(places)
    for outfit in intent.outfits.values():
        if outfit.trigger:
            own = all(_is_of(place, [outfit.trigger]) for place in places)
        else:  # as runs lay them out: the folder of an outfit without a trigger lies beside those of the others
            own = all(_beside(place, triggers) and not _is_of(place, triggers) for place in places)
        if own:
            found.update(map(folded, outfit.tags))
    return found


def _is_of(place: Path, triggers: Sequence[str]) -> bool:
    """Whether a folder's name says one of these triggers."""
    return bool(named_in(folded(place.name), triggers))


def _beside(place: Path, triggers: Sequence[str]) -> bool:
    """Whether a folder that is named by one of these triggers lies beside a folder."""
    return any(_is_of(other, triggers) for other in place.absolute().parent.iterdir() if other.is_dir())


def _absorbed(folder: Path, pictures: Sequence[PictureFile], intent: Intent) -> Iterator[Finding]:
    """Identity that captions name: rare tags may be, what the trigger should mean may not."""
    hint = "leave it out of the captions of the last training"
    for tag, files in _saying(pictures, intent.absorbed):
        severity: Severity = "error" if len(files) >= min(RARE, len(pictures) / 2) else "warning"
        message = f'"{tag}" is what the trigger should mean'
        yield finding(folder, "identity named", severity, message, files, hint)


def _contradictions(folder: Path, pictures: Sequence[PictureFile]) -> Iterator[Finding]:
    pairs: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for one in pictures:
        for pair in conflicts(one.tags):
            pairs[pair].append(one.path)
    for (first, second), files in pairs.items():
        message = f'"{first}" and "{second}" in one caption'
        yield finding(folder, "conflict", "error", message, files, "keep what the picture shows")


def _others(folder: Path, pictures: Sequence[PictureFile], triggers: Sequence[str]) -> Iterator[Finding]:
    """Tags that name a known character; the triggers are judged apart."""
    named: dict[str, list[Path]] = defaultdict(list)
    for one in pictures:
        for tag in names_in(tag for tag in one.tags if not any(calls(tag, trigger) for trigger in triggers)):
            named[tag].append(one.path)
    for tag, files in named.items():
        message = f'"{tag}" names another character'
        yield finding(folder, "another character", "error", message, files, "describe what is seen instead")


def _outfits(folder: Path, pictures: Sequence[PictureFile], intent: Intent) -> Iterator[Finding]:
    """Captions that call one outfit by its trigger and name the clothes of another."""
    owners: dict[str, set[str]] = defaultdict(set)
    for name, outfit in intent.outfits.items():
        for tag in outfit.tags:
            owners[folded(tag)].add(name)
    for name, outfit in intent.outfits.items():
        wrong: dict[str, list[Path]] = defaultdict(list)
        for one in pictures:
            tags = _folded(one)
            if outfit.trigger and folded(outfit.trigger) in tags:
                for tag in sorted(tags):
                    if tag in owners and name not in owners[tag]:
                        wrong[tag].append(one.path)
        for tag, files in wrong.items():
            message = f'"{outfit.trigger}" and "{tag}", which is worn with another outfit'
            yield finding(folder, "outfit", "error", message, files, "keep the outfit that the picture shows")


def _unique(folder: Path, pictures: Sequence[PictureFile], intent: Intent) -> Iterator[Finding]:
    """Captions without the character's own tag of a part that, by their other tags, the picture shows."""
    lacking: dict[str, list[Path]] = defaultdict(list)
    for one in pictures:
        for tag in intent.unique(one.tags):
            if folded(tag) not in _folded(one) and not named_in(one.caption or "", [tag]):
                lacking[tag].append(one.path)
    hint = "write it where the part is seen: bootstrap tags FOLDER --character CHARACTER.json"
    for tag, files in lacking.items():
        yield finding(folder, "unique tag", "warning", f'"{tag}" is missing', files, hint)


def _spellings(folder: Path, pictures: Sequence[PictureFile]) -> Iterator[Finding]:
    """One tag spelled in two ways: a text encoder reads two."""
    spelled: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for one in pictures:
        for tag in one.tags:
            spelled[folded(tag)][tag].append(one.path)
    for ways in spelled.values():
        if len(ways) > 1:
            named = " and ".join(f'"{way}"' for way in ways)
            files = min(ways.values(), key=len)
            yield finding(folder, "spelling", "warning", f"{named} are one tag", files, "spell it in one way")


def _rare(
    folder: Path, pictures: Sequence[PictureFile], shares: Mapping[str, float], intent: Intent
) -> Iterator[Finding]:
    """Tags that a single caption of a large set has, and no plan asked for: seldom learned, often false."""
    if len(pictures) < MANY:
        return
    rare = {}
    for tag, share in shares.items():
        if share * len(pictures) < 1.5 and folded(tag) not in intent.planned and not is_sentence(tag):
            rare[folded(tag)] = tag
    files = [one.path for one in pictures if any(tag in rare for tag in _folded(one))]
    if files:
        named = ", ".join(f'"{tag}"' for tag in rare.values())
        message = f"in one caption alone: {named}"
        yield finding(folder, "rare tag", "warning", message, files, "look whether it is true, or leave it out")
