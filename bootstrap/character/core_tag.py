"""The core tag of a character: one in every caption that says its name, what it is and that it is the focus.

After a guide to character LoRAs ("mikachr character focus"). A core tag is known by its form: three words or more, the
last of them "focus"; tags of parts, such as "eye focus", have two.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bootstrap.character.model import Character
from bootstrap.pictures.caption_text import folded, is_sentence

__all__ = ["core_tags_in", "core_warnings", "drafted_core_tag", "with_core_tag"]

FOCUS = "focus"
WORDS = 3


def core_tags_in(tags: Iterable[str]) -> list[str]:
    """The core tags among some tags, folded."""
    found = []
    for tag in tags:
        *before, last = folded(tag).split() or [""]
        if last == FOCUS and len(before) + 1 >= WORDS and not is_sentence(tag):
            found.append(folded(tag))
    return found


def drafted_core_tag(trigger: str, kind: str = "character") -> str:
    """The usual one: the trigger, the kind of subject, focus."""
    return f"{trigger} {Path(kind).stem} {FOCUS}"


def with_core_tag(character: Character, setting: str) -> Character:
    """The character, its core with the usual core tag where it has none and ``SubjectConfig.core_tag`` says "add"."""
    if setting != "add" or core_tags_in(character.core):
        return character
    core = (*character.core, drafted_core_tag(character.trigger, character.kind))
    return character.model_copy(update={"core": core})


def core_warnings(character: Character, setting: str) -> list[str]:
    """A sentence where the core has no core tag, or several, as ``SubjectConfig.core_tag`` wants it said."""
    found, usual = core_tags_in(character.core), drafted_core_tag(character.trigger, character.kind)
    if len(found) > 1:
        named = " and ".join(f'"{tag}"' for tag in found)
        return [f"core has {len(found)} core tags, {named}: keep one, the same in every caption"]
    if found or setting == "none":
        return []
    lacking = "core has no tag of name, what it is and focus"
    if setting == "add":
        return [f'{lacking}: "{usual}" joins every caption and prompt (subject.core_tag "add")']
    return [f'{lacking}, which guides put into every caption: add "{usual}" to it, or --set subject.core_tag=add']
