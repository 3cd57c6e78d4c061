"""Triggers: a word that already means something brings its meaning along.

A trigger is reported when it is an ordinary word or a name, or is put together from such words; a tag when it names
another character. Knows no model: the words of a panel's vocabulary, and the names that its tagger knows, are handed
in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from bootstrap.character import Character
from bootstrap.character.known_words import is_known_word, names_in

__all__ = ["ordinary_words", "word_warnings"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHORT = _words(
    """
    amy arm art bag bat ben bob boy car cat day dog elf eve eye fan fox gem guy hat ice ivy joy kid kim leo man max
    mia one owl red sam sea shy sky sun tom zoo
    """
)
"""Ordinary words and names of up to three letters; longer ones are known by the tokens of CLIP."""


def ordinary_words(trigger: str, vocabulary: Iterable[str] = ()) -> tuple[str, ...]:
    """The ordinary words that a trigger is, or is put together from with spaces, hyphens, underscores or digits.

    ``vocabulary`` are further tags or phrases; each word in them counts. Capitals divide nothing: text encoders do not
    see them.
    """
    ordinary = set(SHORT)
    for phrase in vocabulary:
        ordinary.update(re.findall(r"[a-z]+", phrase.lower()))
    found = []
    for word in dict.fromkeys(re.findall(r"[a-z]+", trigger.lower())):
        if is_known_word(word) or (len(word) > 1 and (word in ordinary or word.removesuffix("s") in ordinary)):
            found.append(word)
    return tuple(found)


def word_warnings(character: Character, vocabulary: Iterable[str] = (), names: Collection[str] = ()) -> list[str]:
    """A sentence for each trigger that brings a meaning of its own, and for each tag that names another character.

    ``vocabulary`` are the words of a panel, ``names`` the characters that its tagger knows, folded.
    """
    words, name = [*vocabulary, *character.identity], _letters(character.trigger)
    warnings = [_warning("trigger", character.trigger, f"{name}chr", words)]
    for outfit_name, outfit in character.outfits.items():
        if outfit.trigger:
            better = name + _letters(outfit.trigger)
            warnings.append(_warning(f"outfits.{outfit_name}.trigger", outfit.trigger, better, words))
    return [*(warning for warning in warnings if warning), *_named_others(character, names)]


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


def _warning(field: str, trigger: str, better: str, words: Iterable[str]) -> str:
    """Why a trigger is not a good one, and a better one; "" where it is."""
    found = ordinary_words(trigger, words)
    if not found or (" " in trigger and len(found) < len(set(trigger.lower().split()))):
        return ""  # a long name is one of a kind by any of its words
    meaning = f"is made of ordinary words ({', '.join(found)})"
    if trigger.lower() in found:
        meaning = "is an ordinary word"
    advice = f'a made-up one is better, for example "{better}"'
    return f'{field} "{trigger}" {meaning}: the base has its own idea of it; {advice}'


def _letters(trigger: str) -> str:
    return re.sub(r"[^a-z0-9]", "", trigger.lower())
