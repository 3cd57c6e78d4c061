"""Triggers: a word that already means something brings its meaning along.

A trigger is reported when it is an ordinary word or a name, is put together from such words, or begins or ends with a
colour, an animal or another word that bases draw; a tag when it names another character. Knows no model: the words of a
panel's vocabulary, and the names that its tagger knows, are handed in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from bootstrap.character import Character
from bootstrap.character.description import made_up_trigger
from bootstrap.character.known_words import meaningless, names_in, ordinary_words

__all__ = ["word_warnings"]


def word_warnings(character: Character, vocabulary: Iterable[str] = (), names: Collection[str] = ()) -> list[str]:
    """A sentence for each trigger that brings a meaning of its own, and for each tag that names another character.

    ``vocabulary`` are the words of a panel, ``names`` the characters that its tagger knows, folded.
    """
    words, own = [*vocabulary, *character.identity], character.trigger
    warnings = []
    if meaning := _meaning(own, words):
        own = made_up_trigger(character.name)
        warnings.append(_warning("trigger", character.trigger, meaning, own))
    for outfit_name, outfit in character.outfits.items():
        if meaning := _meaning(outfit.trigger, words):
            better = meaningless(_letters(own) + _letters(outfit.trigger))
            warnings.append(_warning(f"outfits.{outfit_name}.trigger", outfit.trigger, meaning, better))
    return [*warnings, *_named_others(character, names)]


def _named_others(character: Character, names: Collection[str]) -> list[str]:
    """A sentence for each tag that names another character."""
    fields = {f"invariant.{part}": tags for part, tags in character.invariant.items()}
    fields |= {f"outfits.{name}": outfit.tags for name, outfit in character.outfits.items()}
    fields |= {f"seeds.{number}.tags": note.tags for number, note in enumerate(character.seeds)}
    fields["core"] = character.core
    warnings = []
    for field, tags in fields.items():
        for tag in names_in(tags, names):
            warnings.append(f'{field} "{tag}" names another character, whom the base draws too: describe it instead')
    return warnings


def _meaning(trigger: str, words: Iterable[str]) -> str:
    """What is wrong with a trigger; "" where it means nothing."""
    found = ordinary_words(trigger, words)
    if not found or (" " in trigger and len(found) < len(set(trigger.lower().split()))):
        return ""  # a long name is one of a kind by any of its words
    if trigger.lower() in found:
        return "is an ordinary word"
    verb = "is made of" if "".join(found) == re.sub(r"[^a-z]", "", trigger.lower()) else "contains"
    return f"{verb} ordinary words ({', '.join(found)})"


def _warning(field: str, trigger: str, meaning: str, better: str) -> str:
    advice = f'a made-up one is better, for example "{better}"'
    return f'{field} "{trigger}" {meaning}: the base has its own idea of it; {advice}'


def _letters(trigger: str) -> str:
    return re.sub(r"[^a-z0-9]", "", trigger.lower())
