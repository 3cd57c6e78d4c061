"""Whether the parts of a character fit each other, and its kind of subject. Knows no file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bootstrap.character.model import Character
from bootstrap.character.of_kind import needs_of
from bootstrap.config import RunConfig
from bootstrap.config.kind_files import CHARACTER
from bootstrap.errors import CharacterError

__all__ = ["check_kind", "contradictions"]

ONLY = "-only"
"""End of the values of ``seeds_train`` that name a phase."""
MOST_BYTES = 192
"""Of a trigger in UTF-8: with what is added to it, it names files, which may have 255."""
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?")
"""Names that Windows keeps for devices, whatever follows a dot."""
HALF = re.compile("[\ud800-\udfff]")
"""One half of a character that JSON writes as two, or a byte that is no UTF-8."""


def contradictions(character: Character) -> list[str]:
    """Every place where the parts of a character do not fit each other."""
    problems = [*_unwritable(character.model_dump()), *_no_folder(character.called)]
    for index, note in enumerate(character.seeds):
        if note.outfit and note.outfit not in character.wardrobe:
            names = ", ".join(character.wardrobe)
            problems.append(f'seeds.{index}.outfit "{note.outfit}" is not in outfits (use one of: {names})')
    if character.invariant and not character.identity and needs_of(character.kind)["invariant"].rule == "required":
        example = " or ".join([*character.invariant][:2]) if character.kind != CHARACTER else "hair or eyes"
        problems.append(f"invariant has no tag: write at least one, for example {example}")
    own = {*character.identity, *character.outfit_tags}
    for field, tags in (("forbidden", character.forbidden), ("negative", character.negative)):
        for tag in tags:
            if tag in own:
                problems.append(f'{field} "{tag}" also belongs to the character: leave one of them')
    for part, word in character.unique.items():
        if reason := _why_unfit(part, word, character):
            problems.append(f'unique.{part} "{word}": {reason}')
    triggers = [character.trigger, *(outfit.trigger for outfit in character.outfits.values())]
    for trigger in sorted({*filter(None, triggers)}):
        if triggers.count(trigger) > 1:
            problems.append(f'trigger "{trigger}" is used twice: give each outfit its own')
    return problems


def _no_folder(trigger: str) -> Iterator[str]:
    """Why a trigger cannot name folders on every system."""
    length = len(trigger.encode(errors="replace"))
    if length > MOST_BYTES:
        yield f'trigger "{trigger}" has {length} bytes and names files too: at most {MOST_BYTES}'
    if RESERVED.fullmatch(trigger):
        yield f'trigger "{trigger}" names folders too, and Windows keeps this name for itself: use a made-up word'
    if trigger.endswith("."):
        yield f'trigger "{trigger}" names folders too, and Windows drops the dot at its end: leave it out'


def _unwritable(value: object, place: str = "") -> Iterator[str]:
    """Texts, and names of parts, that no file can hold."""
    if isinstance(value, str) and HALF.search(value):
        yield f'{place} "{value}" holds half of a character: write it again'
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _unwritable(name, f"{place}.{name}".lstrip("."))
            yield from _unwritable(part, f"{place}.{name}".lstrip("."))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, part in enumerate(value):
            yield from _unwritable(part, f"{place}.{number}")


def check_kind(character: Character, config: RunConfig) -> None:
    """Raise CharacterError, every reason named, where a character does not fit the views and the subject of a run."""
    if problems := list(_misfits(character, config)):
        raise CharacterError(f"character {character.name}: {'; '.join(problems)}")


def _misfits(character: Character, config: RunConfig) -> Iterator[str]:
    framings = config.views.framings
    for index, note in enumerate(character.seeds):
        if note.framing and note.framing not in framings:
            yield f'seeds.{index}.framing "{note.framing}": must be one of {", ".join(framings)}'
    axes = [name for name, axis in config.subject.axes.items() if not axis.words]
    for axis in character.varies:
        if axis not in axes:
            known = f"use one of: {', '.join(axes)}" if axes else "it has no such axis"
            kind = Path(character.kind).stem
            yield f'varies.{axis}: nothing of that name varies in the kind "{kind}" ({known})'
    phases = [phase.name for phase in config.subject.phases]
    if character.seeds_train.endswith(ONLY) and character.seeds_train.removesuffix(ONLY) not in phases:
        choices = ", ".join(["always", "never", *(f"{phase}{ONLY}" for phase in phases)])
        yield f'seeds_train "{character.seeds_train}": must be one of {choices}'


def _why_unfit(part: str, word: str, character: Character) -> str:
    """Why a word cannot be the unique tag of a part; "" where it can."""
    if part not in character.invariant:
        return f"there is no such part in invariant (use one of: {', '.join(character.invariant)})"
    if not word.strip() or "," in word:
        return "write one tag without commas"
    if word == character.trigger or word in character.identity:
        return "make up a tag of its own, for example with the trigger in it"
    return ""
