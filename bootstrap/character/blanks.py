"""Traits that a character file leaves blank: empty parts, placeholders, and parts of which nothing is said at all.

Knows no picture: whether the character has such a part, the author knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bootstrap.character.model import Character

__all__ = ["blank_traits"]

PLACEHOLDER = re.compile(
    r"[?.…*_-]*|x{2,}|empty|blank|none|null|nil|n/?a|(todo|tbd|tba|fixme|unknown|not read|not known|placeholder)\b.*"
    r"|(fill in|write|describe|insert|your)\b.*|[<\[{].*[>\]}]",
    re.IGNORECASE,
)
"""A tag that holds the place of one: signs alone, a word for "to be written", something in brackets."""


def blank_traits(character: Character, expected: Sequence[str]) -> dict[str, str]:
    """Field → why it is blank, in the order of the file.

    ``expected`` are the parts that every subject of its kind has ("hair"): the name of a part of ``invariant``, or a
    word of one of its tags.
    """
    found = {}
    fields = [(f"invariant.{part}", part, tags) for part, tags in character.invariant.items()]
    fields += [(f"outfits.{name}.tags", name, outfit.tags) for name, outfit in character.outfits.items()]
    for field, part, tags in fields:
        held = [tag for tag in tags if _holds_place(tag, part)]
        if held:
            found[field] = f'holds the placeholder "{held[0]}"'
        elif not tags:
            found[field] = "is empty"
    for name in expected:
        if not any(_stem(name) in words for words in _words(character)):
            found[f"invariant.{name}"] = "is missing"
    return found


def _holds_place(tag: str, part: str) -> bool:
    """Whether a tag is a placeholder, or only repeats the name of its part: "hair color"."""
    return PLACEHOLDER.fullmatch(tag) is not None or tag.lower() == part.replace("_", " ").lower()


def _words(character: Character) -> Iterator[set[str]]:
    """The stems of the words of the name of each part, and of each of its tags."""
    for part, tags in character.invariant.items():
        for text in (part, *tags):
            yield {_stem(word) for word in re.findall(r"[^\W_]+", text.lower())}


def _stem(word: str) -> str:
    """A word without the ending of a plural: the part "eye_color" is about eyes."""
    return word.removesuffix("s")
