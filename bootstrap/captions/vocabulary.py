"""The words that a panel's scorers can tell apart, by axis: what a tag means, and which tags nobody can check.

Knows no shot and no picture.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from bootstrap.character import Character
from bootstrap.pictures.caption_text import caption_parts

__all__ = ["Vocabulary", "crowded_axes", "unknown_words"]

ELSEWHERE = 0.25
"""Share of another axis' words that may end in the same noun ("closed eyes" is an expression)."""
CLOSE = 0.8
"""Similarity from which another word is suggested for an unknown one."""


class Vocabulary:
    """Axis → words, read in both directions."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self.words = words
        """Axis → the words that a scorer can tell apart."""

    def axis_of(self, tag: str, otherwise: str) -> str:
        """The axis a tag belongs to: of the word it means, or of things that are named alike ("golden eyes").

        An axis that a view hides is hidden for words too that nobody can check.
        """
        if word := self.meaning(tag):
            return self._axes[word]
        return self._nouns.get(_noun(tag.lower()), otherwise)

    def meaning(self, tag: str) -> str:
        """The word of the vocabulary that a tag means: itself, or its longest ending ("pale blue hair"); or ""."""
        parts = tag.lower().split()
        for start in range(len(parts)):
            ending = " ".join(parts[start:])
            if ending in self._axes:
                return ending
        return ""

    @cached_property
    def _axes(self) -> dict[str, str]:
        """Word → its axis."""
        return {word: axis for axis, words in self.words.items() for word in words}

    @cached_property
    def _nouns(self) -> dict[str, str]:
        """Noun → axis, where every word of the axis ends in it and hardly one of another does ("eyes", not "hair")."""
        endings = {axis: [_noun(word) for word in words] for axis, words in self.words.items() if len(words) > 1}
        nouns = {}
        for axis, own in endings.items():
            others = [ends for name, ends in endings.items() if name != axis]
            if len(set(own)) == 1 and not any(ends.count(own[0]) > ELSEWHERE * len(ends) for ends in others):
                nouns[own[0]] = axis
        return nouns


def unknown_words(character: Character, vocabulary: Vocabulary) -> dict[str, list[str]]:
    """Field of character.json → its tags that no word of the vocabulary means, with the closest one where one is close.

    Nobody can check them: they are asked for and captioned, and what the picture shows is not looked at.
    """
    fields: dict[str, tuple[str, ...]] = {"invariant": character.identity, "outfits": character.outfit_tags}
    for name in ("expressions", "poses", "backgrounds", "styles"):
        fields[name] = tuple(tag for entry in character.values(name) for tag in caption_parts(entry))
    words = [word for axis in vocabulary.words.values() for word in axis]
    found = {}
    for name, tags in fields.items():
        unknown = [tag for tag in dict.fromkeys(tags) if not vocabulary.meaning(tag)]
        if unknown:
            found[name] = [_with_closest(tag, words) for tag in unknown]
    return found


def crowded_axes(character: Character, vocabulary: Vocabulary) -> list[str]:
    """A sentence for each part and outfit of a character that has several tags of one axis.

    They are prompted and captioned, all of them; a base that knows one word for each axis draws one of them.
    """
    fields = {f"invariant.{part}": tags for part, tags in character.invariant.items()}
    fields |= {f"outfits.{name}": outfit.tags for name, outfit in character.outfits.items()}
    found = []
    for field, tags in fields.items():
        by_axis: dict[str, list[str]] = {}
        for tag in tags:
            by_axis.setdefault(vocabulary.axis_of(tag, tag), []).append(f'"{tag}"')
        for axis, several in by_axis.items():
            if len(several) > 1:
                reason = "all are in prompts and captions, but a base may draw only one of them"
                found.append(f"{field}: {', '.join(several)} are tags of one axis ({axis}): {reason}")
    return found


def _with_closest(tag: str, words: Iterable[str]) -> str:
    for word in difflib.get_close_matches(tag, list(words), 1, cutoff=CLOSE):
        return f"{tag} (did you mean {word!r}?)"
    return tag


def _noun(tag: str) -> str:
    return tag.rpartition(" ")[2]
