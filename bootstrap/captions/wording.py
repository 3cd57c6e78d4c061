"""Words: a shot as a prompt, and a picture as a caption, in each phase.

Style phase: trigger + every trait. Character phase: trigger + only what varies; the identity words are withheld so that
the trigger absorbs them (field practice B4, B7, C5). Knows no picture: what is *seen* is told to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bootstrap.captions.prose import clauses
from bootstrap.character import Character
from bootstrap.config import RunConfig, SubjectConfig, ViewsConfig
from bootstrap.records import Phase, Shot

__all__ = ["Dialect", "Wording", "calling"]

Dialect = Literal["tags", "prose"]

ELSEWHERE = 0.25
"""Share of another axis' words that may end in the same noun ("closed eyes" is an expression)."""


@dataclass(frozen=True)
class Wording:
    """Turns shots of one character into words.

    ``vocabulary`` (axis → words a scorer can tell apart) gives each tag of the character its axis; a tag that no word
    means keeps the key it has in character.json, and cannot be checked. ``dialect`` is what the base was taught;
    ``enlarged`` is the tag of a picture that had to be enlarged ("": none).
    """

    character: Character
    views: ViewsConfig
    subject: SubjectConfig
    vocabulary: Mapping[str, tuple[str, ...]]
    quality: tuple[str, ...] = ()
    dialect: Dialect = "tags"
    enlarged: str = ""
    _axes: dict[str, str] = field(init=False, repr=False, compare=False)
    _nouns: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_axes", {word: axis for axis, words in self.vocabulary.items() for word in words})
        object.__setattr__(self, "_nouns", _shared_nouns(self.vocabulary))

    @classmethod
    def of(cls, character: Character, config: RunConfig) -> Wording:
        """The words of a run."""
        base = config.base
        quality = _tags(base.quality.split(","))
        return cls(character, config.views, config.subject, config.panel.vocabulary, quality, base.dialect, base.enlarged)

    def axis_of(self, tag: str, otherwise: str) -> str:
        """The axis a tag belongs to: of the word it means, or of things that are named alike ("golden eyes").

        An axis that a view hides is hidden for words too that nobody can check.
        """
        word = self._meaning(tag)
        return self._axes[word] if word else self._nouns.get(tag.rpartition(" ")[2], otherwise)

    def _meaning(self, tag: str) -> str:
        """The word of the vocabulary that a tag means: itself, or its longest ending ("pale blue hair"); or ""."""
        parts = tag.split(" ")
        endings = (" ".join(parts[start:]) for start in range(len(parts)))
        return next((ending for ending in endings if ending in self._axes), "")

    @property
    def identity(self) -> dict[str, str]:
        """Axis → identity tag; several tags of one unknown axis are numbered."""
        found: dict[str, str] = {}
        for key, tags in self.character.invariant.items():
            for tag in tags:
                axis = self.axis_of(tag, key)
                found[axis if axis not in found else f"{axis} {len(found)}"] = tag
        return found

    @property
    def unknown(self) -> tuple[str, ...]:
        """Identity and outfit tags that no word of the vocabulary means: nobody can check them."""
        outfits = (tag for outfit in self.character.wardrobe.values() for tag in outfit.tags)
        return tuple(dict.fromkeys(tag for tag in (*self.character.identity, *outfits) if not self._meaning(tag)))

    def varying(self, shot: Shot) -> dict[str, str]:
        """Axis → tag of everything in a shot that is not identity, hidden axes left out, in caption order."""
        outfit = self.character.wardrobe[shot["outfit"]]
        worn = {"outfit": outfit.trigger} if outfit.trigger else {}
        worn |= {self.axis_of(tag, f"outfit {n}"): tag for n, tag in enumerate(outfit.tags)}
        rest = {
            "view": self.views.families[shot.view_family].views[shot.view],
            "framing": shot.framing,
            "expression": shot["expression"],
            "pose": shot["pose"],
            "background": shot["background"],
            "style": shot["style"],
        }
        return self._seen({**worn, **rest}, shot)

    def traits(self, shot: Shot, exchanged: Mapping[str, str] | None = None) -> dict[str, str]:
        """Axis → identity tag that the shot can show, some exchanged for others."""
        seen = self._seen(self.identity, shot)
        return {axis: (exchanged or {}).get(axis, tag) for axis, tag in seen.items()}

    def prompt(self, shot: Shot, traits: Mapping[str, str], *, trigger: bool = True) -> str:
        """The prompt of a shot with the given identity tags; without the trigger for the base alone."""
        called = self._called(shot, traits) if trigger else ()
        said = self._said(traits.values(), self.varying(shot), called, trigger=trigger)
        return _line((*said, *self.character.quality, *self.quality))

    def negative(self, base: str) -> str:
        """The negative prompt: the base's, the character's, and what is forbidden."""
        return _line((*base.split(","), *self.character.negative, *self.character.forbidden))

    def caption(self, shot: Shot, phase: Phase, unseen: Iterable[str] = ()) -> tuple[str, ...]:
        """The tags of a generated picture: what the phase names, without the axes that the picture does not show."""
        hidden = frozenset(unseen)
        varying = {axis: tag for axis, tag in self.varying(shot).items() if axis not in hidden}
        named = self.named_traits(shot, phase).items()
        traits = [varying.get(axis, tag) for axis, tag in named if axis not in hidden]  # a worn hat before one's own
        return self._said(traits, varying, self._called(shot, self.traits(shot)))

    def named_traits(self, shot: Shot, phase: Phase) -> dict[str, str]:
        """Axis → identity tag that the captions of a phase name of a shot."""
        return self.traits(shot) if self._names_identity(phase) else {}

    def seed_caption(self, phase: Phase, shown: Mapping[str, str], hides: Iterable[str] = ()) -> tuple[str, ...]:
        """The tags of a seed or a crop of one; ``shown`` is what its own caption says (axis → tag)."""
        hidden = frozenset(hides)
        named = self.identity if self._names_identity(phase) else {}
        identity = {axis: tag for axis, tag in named.items() if axis not in hidden}
        tags = {axis: tag for axis, tag in shown.items() if axis not in hidden}
        visible = {axis for axis in self.identity if axis not in hidden}
        return self._said(identity.values(), tags, self._own_words(visible))

    def _names_identity(self, phase: Phase) -> bool:
        return "identity" not in self.subject.phase(phase).withholds

    def _said(
        self, traits: Iterable[str], varying: Mapping[str, str], called: tuple[str, ...], *, trigger: bool = True
    ) -> tuple[str, ...]:
        """Tags, or the clauses of a sentence, in caption order."""
        lead, core = self.character.trigger if trigger else "", self.character.core
        if self.dialect == "tags":
            return _tags((lead, *core, *called, *traits, *varying.values()))
        worn = tuple(tag for tag in (o.trigger for o in self.character.wardrobe.values()) if tag in varying.values())
        return clauses(lead, core, traits, varying, (*called, *worn))

    def _called(self, shot: Shot, traits: Mapping[str, str]) -> tuple[str, ...]:
        """The character's own words for what a shot shows; not for a trait that is exchanged for another."""
        own, seen = self.identity, self._seen(self.identity, shot)
        return self._own_words({axis for axis in seen if traits.get(axis, own[axis]) == own[axis]})

    def _own_words(self, axes: Collection[str]) -> tuple[str, ...]:
        """The unique tags of the parts that these axes show (D6), and the style switch (D5, B8)."""
        shown = {self.identity[axis] for axis in axes}
        words = (word for part, word in self.character.unique.items() if shown & set(self.character.invariant[part]))
        return (*words, *self.character.style_switch)

    def _seen(self, tags: Mapping[str, str], shot: Shot) -> dict[str, str]:
        hidden = self.views.hidden(shot.view_family, shot.framing)
        eyes_shut = shot["expression"] == "closed eyes" and "expression" not in hidden
        return {
            axis: tag
            for axis, tag in tags.items()
            if tag and axis not in hidden and not (eyes_shut and axis == "eye_color")
        }


def calling(character: Character, dialect: Dialect) -> tuple[str, ...]:
    """What calls the whole character in a prompt: the trigger, the core, and its own words where it has some."""
    own = (*character.unique.values(), *character.style_switch)
    if dialect == "prose":
        return clauses(character.trigger, character.core, (), {}, own)
    return _tags((character.trigger, *character.core, *own))


def _shared_nouns(vocabulary: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Last word → axis, where every word of the axis ends in it and hardly one of another does ("eyes", not "hair")."""
    ends = {axis: [word.rpartition(" ")[2] for word in words] for axis, words in vocabulary.items() if len(words) > 1}
    return {
        last[0]: axis
        for axis, last in ends.items()
        if len(set(last)) == 1
        and not any(other.count(last[0]) > ELSEWHERE * len(other) for name, other in ends.items() if name != axis)
    }


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    single = (part.strip() for tag in tags for part in tag.split(","))
    return tuple(dict.fromkeys(tag for tag in single if tag))


def _line(tags: Iterable[str]) -> str:
    return ", ".join(_tags(tags))
