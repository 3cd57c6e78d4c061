"""Which words of a reader may enter a description: short phrases about a look, never an instruction.

What a picture, or a person's notes, say in letters can pass through a model into its answer: whatever reads like a
command, an address, a field of a file or a known character is refused with the reason. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from bootstrap.character import Character
from bootstrap.character.known_words import names_in
from bootstrap.pictures.caption_text import folded, is_sentence

__all__ = ["commands_in", "refused_part", "refused_words"]

PART = re.compile(r"[a-z][a-z _-]{0,39}")
WORDS = re.compile(r"[^\W_][\w '’().,%/+-]*")
MOST_SIGNS, MOST_WORDS = 60, 7
"""Of a tag: a longer phrase is a sentence that no caption should hold."""
COMMANDS = {
    "ignore", "ignores", "ignoring", "disregard", "forget", "override", "overrides", "instruction", "instructions",
    "instruct", "instead", "prompt", "prompts", "system", "schema", "json", "output", "assistant", "user", "answer",
    "reply", "respond", "password", "trigger", "triggers", "licence", "license", "licensed", "seeds", "metadata",
    "command", "commands", "execute", "must", "should", "shall", "please", "you", "your", "http", "https", "www", "com",
}  # fmt: skip
"""Words of instructions to a model, and of fields that no picture decides; no tag of a look has one."""


def refused_part(part: str) -> str:
    """Why the name of a part cannot be used; "" where it can."""
    name = folded(part)
    if not PART.fullmatch(name):
        return "it is no name of a part"
    if name.replace(" ", "_") in Character.model_fields:
        return "it is a field of the file, not a part"
    return commands_in(name)


def refused_words(words: str, names: Collection[str] = ()) -> str:
    """Why words cannot be a trait; "" where they can. ``names`` are known characters besides those of the house."""
    text = " ".join(words.split())
    if not text or len(text) > MOST_SIGNS or len(text.split()) > MOST_WORDS:
        return f"a trait has 1 to {MOST_WORDS} words, {MOST_SIGNS} characters at most"
    if not WORDS.fullmatch(text) or not text.isprintable():
        return "it has signs that no tag has"
    if names_in([text], names):
        return "it names a known character"
    return commands_in(text) or ("it is a sentence" * is_sentence(text))


def commands_in(text: str) -> str:
    """Why a text reads like an instruction; "" where it does not."""
    found = sorted(COMMANDS & set(re.findall(r"[a-z]+", text.lower())))
    return f'it reads like an instruction ("{found[0]}")' if found else ""
