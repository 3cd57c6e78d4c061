"""The captions of a whole set changed at once: tags replaced, dropped, pruned by frequency, cleaned and sorted.

Sentences stay as they are, behind the tags. Pure: captions in, captions out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bootstrap.character.description import QUALITIES
from bootstrap.character.known_words import names_in
from bootstrap.pictures.caption_text import folded, is_sentence, spaced

__all__ = ["Caption", "Retagging", "biological"]

Caption = tuple[str, ...]
BEFORE_NOUN = QUALITIES | {"very", "light", "multicolored", "two-tone", "gradient", "streaked", "heterochromia"}
"""What stands before the noun of a tag that says how a part of a body looks: "very long hair"."""


def _none(caption: Caption) -> Caption:
    """No unique tags."""
    return ()


@dataclass(frozen=True)
class Retagging:
    """What is done to a set, in this order.

    ``replace`` maps a tag to another one ("" drops it); ``drop`` are further tags, folded; ``identity`` are the
    character's own, which the trigger should mean: they go, and every other tag of how the same part looks; tags that
    name a known character, or one of ``names``, go too. ``crossover`` maps a background to tags that
    follow it. What fewer than ``rare`` captions have goes last. ``head`` is
    then put first (without one, the tag that most captions begin with), and the rest sorted by frequency.
    """

    head: Caption = ()
    replace: Mapping[str, str] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    identity: Caption = ()
    names: frozenset[str] = frozenset()
    rare: int = 0
    crossover: Mapping[str, Caption] = field(default_factory=dict)
    unique: Callable[[Caption], Caption] = _none
    """The character's unique tags that belong into a caption: behind ``head``."""

    def of(self, captions: Sequence[Sequence[str]]) -> list[Caption]:
        """Every caption of the set as it should be, in order."""
        kept = [self.cleaned(caption) for caption in captions]
        counts = Counter(folded(tag) for caption in kept for tag in {folded(tag): tag for tag in caption}.values())
        first = self.head or _first_of(kept)
        found = []
        for caption in kept:
            begin = tuple(dict.fromkeys((*first, *self.unique(caption))))
            head = {folded(tag) for tag in begin}
            tags = [tag for tag in caption if not is_sentence(tag) and folded(tag) not in head]
            tags = [tag for tag in tags if counts[folded(tag)] >= self.rare]
            tags.sort(key=lambda tag: (-counts[folded(tag)], folded(tag)))
            found.append((*begin, *tags, *filter(is_sentence, caption)))
        return found

    def cleaned(self, caption: Sequence[str]) -> Caption:
        """The tags of a caption with spaces for underscores, each once, without those that go."""
        replace = {folded(old): new for old, new in self.replace.items()}
        gone = {*self.drop, *map(folded, self.identity)}
        found: dict[str, str] = {}
        for tag in caption:
            if is_sentence(tag):
                found[tag] = tag
                continue
            tag = replace.get(folded(tag), spaced(tag))
            if not tag or folded(tag) in gone or biological(tag, self.identity) or names_in([tag], self.names):
                continue
            found.setdefault(folded(tag), tag)
            for own in self.crossover.get(folded(tag), ()):
                found.setdefault(folded(own), own)
        return tuple(found.values())


def _first_of(captions: Sequence[Caption]) -> Caption:
    """The tag that most captions begin with: the trigger of a set that names none."""
    commonest = Counter(caption[0] for caption in captions if caption and not is_sentence(caption[0])).most_common(1)
    return tuple(tag for tag, count in commonest if count > len(captions) / 2)


def biological(tag: str, identity: Iterable[str]) -> bool:
    """Whether a tag says how a part looks that identity tags speak of: "blue eyes" beside "golden eyes".

    "closed eyes" and "hair ribbon" do not.
    """
    *before, noun = folded(tag).split()
    nouns = {folded(own).split()[-1] for own in identity}
    return noun in nouns and bool(before) and all(word in BEFORE_NOUN for word in before)
