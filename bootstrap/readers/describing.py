"""A character described from pictures and notes by a reader: each picture is asked about, what they say is merged.

A picture with lettering is believed only where a second reading, which does not see the letters that were found, says
the same and denies what was made up. Knows no panel: its readings are handed in.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from bootstrap.captions.vocabulary import Vocabulary
from bootstrap.character.description import GARMENTS
from bootstrap.pictures.caption_text import caption_parts, folded
from bootstrap.readers.axis_reading import AxisReading
from bootstrap.readers.question import Question, Reader, Reply
from bootstrap.readers.safe_words import refused_part, refused_words
from bootstrap.readers.second_reading import confirmed, lettered
from bootstrap.readers.seen_traits import Claim, DescribedTrait, SeenCharacter, SeenTrait, Source

__all__ = ["DIALECTS", "CharacterDescriber", "Described", "Settle", "axes_listed"]

INSTRUCTION = "describe"
DIALECTS = {
    "tags": 'short tags as imageboards have them, such as "long hair" or "red ribbon"',
    "prose": 'short phrases of plain English, such as "long wavy hair" or "a red ribbon"',
}
"""What a base was trained on → how words are asked for."""
PERSONS = {"girl": "a girl", "boy": "a boy"}
"""What a character is drawn as → the statement that says so."""
NEAR = 0.85
"""Similarity from which words are spelled as the vocabulary has them."""
MOST_LISTED = 24
"""Words of an axis that a prompt lists."""

Settle = Callable[[str, Sequence[str], Sequence[str]], str]
"""Asks a person which of several words a part has: (part, words, where each was read) → one of them, or "" for none."""


def _leave(part: str, words: Sequence[str], places: Sequence[str]) -> str:
    """Nobody can be asked."""
    return ""


@dataclass(frozen=True)
class Described:
    """The traits of a character, what it is drawn as, the replies they come from, and what to note."""

    traits: Sequence[DescribedTrait]
    person: str
    replies: Sequence[Reply]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class CharacterDescriber:
    """Asks a reader about pictures of one character.

    ``worn_axes`` are the axes of the vocabulary that are put on and off; ``names`` are known characters; ``settle``
    answers where sources disagree.
    """

    reader: Reader
    vocabulary: Vocabulary
    dialect: str = "tags"
    worn_axes: Collection[str] = ()
    skipped_axes: Collection[str] = ()
    names: Collection[str] = ()
    settle: Settle = _leave

    def described(self, pictures: Mapping[str, Image.Image], notes: str, panel: Mapping[str, AxisReading]) -> Described:
        """The character in pictures (name → picture) and notes. ``panel`` is what scorers read: axis, or another name
        for words of which a character has one → how well they fit."""
        claims, replies, remarks, persons = list[Claim](), list[Reply](), list[str](), list[str]()
        for name, image in pictures.items():
            reply = self.reader.ask(Question((image,), INSTRUCTION, SeenCharacter, notes, self._fill()))
            replies.append(reply)
            if reply.value is None:
                remarks.append(f'"{name}" was not described: {reply.refused}')
                continue
            seen = SeenCharacter.model_validate(reply.value)
            found, person = [self._claim(trait, name, notes) for trait in seen.traits], str(seen.person)
            if letters := lettered(image, seen.lettering):
                found, person, reply = self._confirmed(found, image, seen)
                replies.append(reply)
                remarks.append(f'"{name}" has lettering ({letters}): only what a second reading confirms is used')
            claims += found
            persons.append(person)
        traits = [*self._merged(claims, panel), *_refused(claims)]
        return Described(traits, _commonest(persons), replies, remarks)

    def _fill(self) -> dict[str, str]:
        return {"dialect": DIALECTS[self.dialect], "axes": axes_listed(self.vocabulary, self.skipped_axes)}

    def _claim(self, trait: SeenTrait, picture: str, notes: str) -> Claim:
        """What a trait says, in words of the vocabulary where they are near."""
        words = self._spelled(", ".join(caption_parts(folded(trait.words))) or trait.words)
        part = folded(trait.part).replace("_", " ")
        axis = self.vocabulary.axis_of(words, "")
        source = Source("" if trait.line else picture, trait.line, trait.sure)
        refused = refused_part(part) or refused_words(words, self.names)
        if trait.line and not refused and not _said_in(words, notes, trait.line):
            refused = f"line {trait.line} of the notes does not say so"
        if axis in self.skipped_axes:
            refused = refused or "it is not the character's"
        worn = axis in self.worn_axes
        if not axis:
            worn = trait.worn or bool({*words.split()[-1:]} & GARMENTS)
        return Claim(part, words, axis, worn, source, refused)

    def _spelled(self, words: str) -> str:
        """Words as the vocabulary spells them, where one is near: "cat ear" is "cat ears"."""
        if self.vocabulary.meaning(words):
            return words
        known = [word for own in self.vocabulary.words.values() for word in own]
        return next(iter(difflib.get_close_matches(words, known, 1, cutoff=NEAR)), words)

    def _confirmed(
        self, claims: Sequence[Claim], image: Image.Image, seen: SeenCharacter
    ) -> tuple[list[Claim], str, Reply]:
        """The claims, each supported only where a second reading confirms it, and what the character is drawn as.

        Claims of the notes are supported in any case.
        """
        usable = [one.words for one in claims if not one.refused and not one.source.line]
        statements = list(dict.fromkeys((*usable, *PERSONS.values())))
        yes, reply = confirmed(self.reader, image, statements, seen.lettering, self.vocabulary)
        found = [replace(one, supported=bool(one.source.line) or one.words in yes) for one in claims]
        persons = [person for person, words in PERSONS.items() if words in yes]
        return found, seen.person if persons == [seen.person] else "other", reply

    def _merged(self, claims: Sequence[Claim], panel: Mapping[str, AxisReading]) -> list[DescribedTrait]:
        """One trait for each axis, and one for each of the other things that were said."""
        groups: dict[str, list[Claim]] = {}
        for claim in claims:
            if not claim.refused:
                groups.setdefault(claim.axis or f"{claim.part}: {folded(claim.words)}", []).append(claim)
        return [self._trait(group, panel) for group in groups.values()]

    def _trait(self, group: Sequence[Claim], panel: Mapping[str, AxisReading]) -> DescribedTrait:
        """What claims of one axis come to."""
        first, axis = group[0], group[0].axis
        seen = panel[axis].word if axis in panel else ""
        supported = [one for one in group if one.supported or (seen and self.vocabulary.meaning(one.words) == seen)]
        by_source: dict[str, list[str]] = {}
        for claim in supported:
            by_source.setdefault(claim.source.place, []).append(claim.words)
        said = tuple(dict.fromkeys(one.words for one in group))
        sources = tuple(dict.fromkeys(one.source for one in group))
        made = DescribedTrait(axis or first.part, "", "set", first.worn, said, sources, axis=axis, panel=seen)
        if not supported:
            why = "only a picture with lettering says so, and no second reading confirms it"
            return replace(made, state="unsupported", why=why)
        different = {tuple(sorted({self.vocabulary.meaning(w) or w for w in words})) for words in by_source.values()}
        chosen = ", ".join(dict.fromkeys(next(iter(by_source.values()))))
        if axis and len(different) > 1:
            whole = [", ".join(dict.fromkeys(words)) for words in by_source.values()]
            chosen = self.settle(made.part, whole, list(by_source))
            if not chosen:
                pairs = zip(by_source, whole, strict=True)
                why = "; ".join(f'{place} says "{words}"' for place, words in pairs)
                return replace(made, state="conflict", why=why)
        made = replace(made, words=chosen)
        if other := _instead_of(chosen, axis, panel):
            return replace(made, state="contradicted", why=f'the panel reads "{other}"', panel=other)
        return made


def axes_listed(vocabulary: Vocabulary, skipped: Collection[str] = ()) -> str:
    """The words that scorers can tell apart, as a prompt lists them: a line for each axis."""
    lines = []
    for axis, words in vocabulary.words.items():
        if axis not in skipped:
            more = " …" if len(words) > MOST_LISTED else ""
            lines.append(f"- {axis}: {', '.join(words[:MOST_LISTED])}{more}")
    return "\n".join(lines)


def _refused(claims: Sequence[Claim]) -> list[DescribedTrait]:
    found = []
    for one in claims:
        if one.refused:
            trait = DescribedTrait(one.part, "", "refused", one.worn, (one.words,), (one.source,), one.refused)
            found.append(trait)
    return found


def _instead_of(chosen: str, axis: str, panel: Mapping[str, AxisReading]) -> str:
    """The word that the panel reads in place of what was chosen for an axis; "" for none."""
    parts = [part.lower().split() for part in caption_parts(chosen)]
    endings = {" ".join(words[start:]) for words in parts for start in range(len(words))}
    for name, reading in panel.items():
        said = endings & reading.scores.keys()
        if (said or name == axis) and (other := reading.instead_of(said)):
            return other
    return ""


def _said_in(words: str, notes: str, line: int) -> bool:
    """Whether a line of the notes has every word of a trait that is longer than two letters."""
    lines = notes.strip().splitlines()
    if line > len(lines):
        return False
    return all(word.rstrip("s") in folded(lines[line - 1]) for word in folded(words).split() if len(word) > 2)


def _commonest(persons: Sequence[str]) -> str:
    return max(persons, key=persons.count) if persons else "other"
