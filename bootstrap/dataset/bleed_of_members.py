"""Bleed between members of one LoRA: what was measured of each, and what of one turns up in another, in words.

Pure but for the store that it is read from; who measures is `bootstrap.compare.likeness_matrix`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bootstrap.dataset.bundle_members import BundleMember, foreign_words
from bootstrap.store.store import Store

__all__ = [
    "COUPLE",
    "LEAST_TOGETHER",
    "MATRIX",
    "MOST_BLEED",
    "Everyone",
    "Likeness",
    "Traits",
    "bleed_in_words",
    "likenesses_of",
    "ways_of",
]

MATRIX = "likenesses"
"""The fact that holds what was measured of each member."""
COUPLE = "together"
"""The fact that holds how ways of drawing everyone in one picture do, this LoRA first."""
LEAST_TOGETHER = 0.6
"""Share of pictures in which everyone should be."""
MOST_BLEED = 0.1
"""Share of pictures, and of traits, that may be another member's."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Traits of ``other`` on pictures of a member: ``shown`` of the ``read`` ones on which both have other words.

    ``words`` counts the words that were read.
    """

    other: str
    shown: int = 0
    read: int = 0
    words: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the pictures of one member are like: their mean likeness to every member, by trigger.

    ``own`` of the ``judged`` pictures are more alike to their member than to any other; ``solo`` is the likeness of
    what its own LoRA drew for the same jobs, None without one.
    """

    trigger: str
    to: Mapping[str, float]
    own: int
    judged: int
    solo: float | None = None
    traits: Sequence[Traits] = ()

    @property
    def beats(self) -> bool:
        """Whether on the mean it is most like itself."""
        return bool(self.to) and max(self.to, key=lambda trigger: self.to[trigger]) == self.trigger

    @property
    def bled(self) -> float:
        """Share of its pictures that are more alike to another member; 0 where none could be judged."""
        return 1 - self.own / self.judged if self.judged else 0.0

    @property
    def traits_bled(self) -> float:
        """Share of the traits that were read which are another's."""
        return sum(one.shown for one in self.traits) / max(1, sum(one.read for one in self.traits))

    @property
    def stays_apart(self) -> bool:
        """Whether it is most like itself, and bleeds no more than it may."""
        return self.beats and self.bled <= MOST_BLEED and self.traits_bled <= MOST_BLEED

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "traits": [asdict(one) for one in self.traits]}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Likeness:
        """What `plain` wrote."""
        return cls(**{**plain, "traits": [Traits(**one) for one in plain["traits"]]})


@dataclass(frozen=True, slots=True)
class Everyone:
    """How a way of drawing does: pictures with every identity, of how many, and traits of another of those read."""

    name: str
    together: int
    drawn: int
    bled: int = 0
    read: int = 0

    @property
    def share(self) -> float:
        """Of the pictures."""
        return self.together / max(1, self.drawn)

    @property
    def bleed(self) -> float:
        """Of the traits that were read."""
        return self.bled / max(1, self.read)


def likenesses_of(store: Store) -> list[Likeness]:
    """What was measured of each member; none before."""
    return [Likeness.of_plain(one) for one in json.loads(store.recall(MATRIX) or "[]")]


def bleed_in_words(members: Sequence[BundleMember], likenesses: Sequence[Likeness]) -> list[str]:
    """What of one turns up in another, a sentence each; or one that says that nothing does."""
    names, said = {member.trigger: member.name for member in members}, []
    for one in likenesses:
        name = names[one.trigger]
        if one.judged and one.own < one.judged:
            text = f"{one.judged - one.own} of {one.judged} pictures of {name} are more alike to another member"
            said.append(f"{text}.")
        for traits in one.traits:
            if traits.shown:
                words = ", ".join(f"{word} ({count})" for word, count in traits.words.items())
                whose = names[traits.other]
                counted = f"{traits.shown} of {traits.read} traits read on pictures of {name}"
                said.append(f"{counted} are those of {whose}: {words}.")
    for (trigger, other), counts in foreign_words(members).items():
        words = ", ".join(f'"{word}" ({count})' for word, count in counts.items())
        said.append(f"Captions of {names[trigger]} name what belongs to {names[other]}: {words}.")
    return said or ["No picture is more alike to another member, and no trait of one was read on another."]


def ways_of(store: Store) -> list[Everyone]:
    """How ways of drawing everyone in one picture did; none in a bundle."""
    return [Everyone(**one) for one in json.loads(store.recall(COUPLE) or "[]")]
