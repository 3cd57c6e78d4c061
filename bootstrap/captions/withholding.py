"""Sentences that name what a trigger should mean: the words are taken out where the sentence stays one.

Knows no character: the tags to withhold are handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bootstrap.pictures.caption_text import folded, is_sentence, named_in, phrase_of

__all__ = ["left_named", "withheld_from"]

QUALITY = r"(?:(?!(?:and|with|of|in|on|her|his|their)\b)[\w-]+\s+){0,2}?"
"""Up to two words between "with" and the tag: "with long red hair"."""
ARTICLE = r"(?:(?:a|an|the|her|his|its|their|some)\s+)?"
HAVING = r"(?:with|having|has|have)"
DOING = r"(?:is|are|was|has|have|she|he|it|they|\w+ing|\w+(?<!s)s(?=\s+(?:at|in|on|her|his|the|a)\b))\b"
"""After "and": what somebody does, and not one more thing that they have."""


def withheld_from(text: str, tags: Iterable[str]) -> str:
    """A sentence without these tags, as far as it stays a sentence; anything that is no sentence as it is.

    "A girl with red hair and a sword smiles." gives "A girl with a sword smiles."
    """
    if not is_sentence(text):
        return text
    before = ""
    while text != before:
        before = text
        for tag in named_in(text, tags):
            text = _without(text, phrase_of(tag))
    return text if re.search(r"\w", text) else ""


def left_named(text: str, tags: Sequence[str]) -> list[str]:
    """The tags that a caption's part names and that cannot be taken out: "long red hair" names "red hair"."""
    if is_sentence(text):
        return named_in(withheld_from(text, tags), tags)
    return [
        tag
        for tag in tags
        if folded(text).endswith(f" {folded(tag)}") or (" " in folded(tag) and named_in(text, [tag]))
    ]


def _without(text: str, tag: str) -> str:
    thing = rf"{ARTICLE}{QUALITY}{tag}"
    rules = (
        (rf"(?:^|(?<=[.!?]\s))(?:she|he|it|they)\s+{HAVING}\s+{thing}\s*[.!?]\s*", ""),  # a sentence of its own
        (rf"\b({HAVING})\s+{thing}\s*(?:,\s*and|,|and)\s+(?!{DOING})", r"\1 "),  # the first of several
        (rf"\s*,?\s+and\s+{thing}(?=\s*(?:[.,;!?]|$))", ""),  # the last of several
        (rf",\s*{thing}(?=\s*(?:,|and\b))", ""),  # one between others
        (rf"\s*,?\s*\bwith\s+{thing}(?!\s*,?\s*and\b)", ""),  # the only one
        (rf"\b(a)n?\s+{tag},?\s+(?=\w)", r"\1 "),  # "a red-haired girl"
    )
    for pattern, instead in rules:
        text = re.sub(pattern, instead, text, flags=re.IGNORECASE)
    return " ".join(text.split())
