"""Designs that a LoRA learns badly: many parts, patterns that no few words fix, and sets in which nothing varies.

Practitioners found that simple designs come out and complex ones lose detail: text cannot carry every visual relation.
Knows no picture.
"""

from __future__ import annotations

import re

from bootstrap.character import Character
from bootstrap.config import RunConfig

__all__ = ["complexity_warnings", "sameness_warnings"]

MOST_TRAITS = 12
"""Identity tags from which a design is complex: the card of a simple one that works names ten, with its clothes."""
MOST_WORN = 8
"""Tags of an outfit from which it is."""
INTRICATE = re.compile(
    r"\b(intricate|ornate|embroider(y|ed)|filigree|lace|mechanical|gears?|circuit(ry|s)?|runes?|tattoos?|patterned"
    r"|plaid|tartan|paisley|brocade|mandala|chains?|armou?r(ed)?|exoskeleton|sequins?|kimono pattern|text|logo)\b",
    re.IGNORECASE,
)
"""Words of details that are drawn differently in every picture."""


def complexity_warnings(character: Character) -> list[str]:
    """A sentence for each thing that makes a design hard to keep: how many traits and clothes, and which details."""
    found = []
    if len(character.identity) > MOST_TRAITS:
        found.append(f"invariant has {len(character.identity)} tags, more than {MOST_TRAITS}")
    for name, outfit in character.outfits.items():
        if len(outfit.tags) > MOST_WORN:
            found.append(f"outfits.{name} has {len(outfit.tags)} tags, more than {MOST_WORN}")
    intricate = [tag for tag in (*character.identity, *character.outfit_tags) if INTRICATE.search(tag)]
    if intricate:
        found.append(f"details that every drawing shows otherwise: {', '.join(intricate)}")
    advice = "a complex design loses detail: leave out what need not stay the same, or give more seeds that show it"
    return [f"{one}; {advice}" for one in found]


def sameness_warnings(character: Character, config: RunConfig) -> list[str]:
    """A sentence about what would be the same in every picture of a set; none for the base of the demonstration."""
    same, fields = [], []
    for name, axis in config.subject.axes.items():
        if (axis.words or axis.defaults) and len(character.values(axis.words, name) or axis.defaults) < 2:
            same.append(name)
            fields.append(f'"{axis.words or f"varies.{name}"}"')
    if config.base.demonstration or not same:
        return []
    advice = f"write two or more {' and '.join(fields)} into character.json"
    return [f"every picture has the same {' and '.join(same)}, and what never varies is learned: {advice}"]
