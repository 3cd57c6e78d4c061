"""Words: a shot as a prompt, and a picture as a caption, in each phase.

A phase withholds parts of its captions, so that the trigger absorbs them; which parts, and in which order captions name
the rest, is data of the subject kind. Knows no picture: what a picture shows is handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bootstrap.captions.prose import clauses
from bootstrap.captions.several_tags import axis_in, joined_by_axis, numbered
from bootstrap.captions.vocabulary import Vocabulary
from bootstrap.captions.withholding import withheld_from
from bootstrap.character import Character
from bootstrap.character.description import GARMENTS
from bootstrap.config import IDENTITY, RunConfig, SubjectConfig, ViewsConfig
from bootstrap.pictures.caption_text import caption_parts, folded
from bootstrap.records import Phase, Shot

__all__ = ["OTHER_TAG", "SEEN_TAG", "Dialect", "Wording", "calling", "described"]

Dialect = Literal["tags", "prose"]
NONE: Mapping[str, str] = {}
OTHER_TAG = "tag"
"""The axis of what a person wrote that no axis has; numbered."""
SEEN_TAG = "seen"
"""The axis of what a tagger sees on a whole picture that no axis has; numbered."""


@dataclass(frozen=True)
class Wording:
    """Turns shots of one character into words.

    ``words`` (axis → words a scorer can tell apart) gives each tag of the character its axis; a tag that no word means
    keeps the key it has in character.json, and cannot be checked. ``dialect`` is what the base was trained on;
    ``enlarged`` is the tag of a picture that had to be enlarged, ``upscaled`` of one that a model enlarged ("": none).
    """

    character: Character
    views: ViewsConfig
    subject: SubjectConfig
    words: Mapping[str, tuple[str, ...]]
    quality: tuple[str, ...] = ()
    dialect: Dialect = "tags"
    enlarged: str = ""
    upscaled: str = ""

    @classmethod
    def of(cls, character: Character, config: RunConfig) -> Wording:
        """The words of a run."""
        base, words = config.base, config.panel.vocabulary
        quality = _tags((base.quality,))
        return cls(character, config.views, config.subject, words, quality, base.dialect, base.enlarged, base.upscaled)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What the tags of the character mean to the scorers."""
        return Vocabulary(self.words)

    def axis_of(self, tag: str, otherwise: str) -> str:
        """The axis a tag belongs to; ``otherwise`` where the vocabulary does not tell."""
        return self.vocabulary.axis_of(tag, otherwise)

    @cached_property
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
        tags = dict.fromkeys((*self.character.identity, *self.character.outfit_tags))
        return tuple(tag for tag in tags if not self.vocabulary.meaning(tag))

    def outfit(self, name: str) -> dict[str, str]:
        """Axis → tag of an outfit, its own trigger first; tags of one axis, and of no known one, are numbered."""
        axis, outfit = self.subject.outfit_axis, self.character.wardrobe[name]
        tags = [(axis, outfit.trigger)] if outfit.trigger else []
        for number, tag in enumerate(outfit.tags):
            tags.append((self.axis_of(tag, f"{axis} {number}"), tag))
        return numbered(tags)

    def varying(self, shot: Shot) -> dict[str, str]:
        """Axis → tag of everything in a shot that is not identity, hidden axes left out, in caption order."""
        return self._varying(shot, ())

    def shown(self, shot: Shot, withheld: Collection[str] = ()) -> dict[str, str]:
        """`varying`, without what the framing does not show though it is asked for: what captions name."""
        varying = self._varying(shot, withheld)
        return {axis: tag for axis, tag in varying.items() if self.views.shows(shot.framing, axis_in(axis), tag)}

    def traits(self, shot: Shot, exchanged: Mapping[str, str] = NONE) -> dict[str, str]:
        """Axis → identity tag that the shot can show, some exchanged for others."""
        visible = self._visible(self.identity, shot)
        return {axis: exchanged.get(axis, tag) for axis, tag in visible.items()}

    def named_traits(self, shot: Shot, phase: Phase) -> dict[str, str]:
        """Axis → identity tag that the captions of a phase name of a shot."""
        return {} if self.subject.withholds(phase, IDENTITY) else self.traits(shot)

    def prompt(self, shot: Shot, traits: Mapping[str, str], *, trigger: bool = True) -> str:
        """The prompt of a shot with the given identity tags; without the trigger for the base alone."""
        withheld: tuple[str, ...] = ("trigger", "own words")
        varying = self.varying(shot)
        if trigger:
            withheld, varying = (), self._crossed(varying)
        words = self._arranged(traits.values(), varying, self._own_words_in(shot, traits), withheld)
        return _line((*words, *self.character.quality, *self.quality))

    def negative(self, base: str) -> str:
        """The negative prompt: the base's, the character's, and what is forbidden."""
        return _line((base, *self.character.negative, *self.character.forbidden))

    def caption(
        self,
        shot: Shot,
        phase: Phase,
        unseen: Iterable[str] = (),
        denied: Collection[str] = (),
        further: Iterable[str] = (),
    ) -> tuple[str, ...]:
        """The tags of a generated picture: what the phase names of what it shows.

        ``unseen`` are axes that it does not show, ``denied`` asked tags, ``further`` what is seen and was not asked.
        """
        unseen, withheld = frozenset(unseen), self.subject.phase(phase).withholds
        varying = {axis: tag for axis, tag in self.shown(shot, withheld).items() if axis not in unseen}
        varying = self._crossed(varying)
        for axis, tag in varying.items():
            if not {*caption_parts(tag)}.isdisjoint(denied):
                varying[axis] = _line(part for part in caption_parts(tag) if part not in denied)
        varying |= {f"{SEEN_TAG} {number}": tag for number, tag in enumerate(further, 1)}
        traits = [tag for axis, tag in self.named_traits(shot, phase).items() if axis not in unseen]
        shown = {axis: tag for axis, tag in varying.items() if tag}
        own_words = self._own_words([axis for axis in self._visible(self.identity, shot) if axis not in unseen])
        return self._arranged(traits, shown, own_words, withheld)

    def seed_caption(self, phase: Phase, shown: Mapping[str, str], hides: Iterable[str] = ()) -> tuple[str, ...]:
        """The tags of a seed or a crop of one; ``shown`` is what its own caption says (axis → tag).

        What a phase withholds is withheld from sentences too.
        """
        hidden, withheld = frozenset(hides), self.subject.phase(phase).withholds
        identity = {axis: tag for axis, tag in self.identity.items() if axis_in(axis) not in hidden}
        left_out = {*hidden, *withheld}
        tags = self._crossed({axis: tag for axis, tag in shown.items() if axis_in(axis) not in left_out})
        if IDENTITY in withheld:
            tags = {axis: withheld_from(tag, self.character.identity) for axis, tag in tags.items()}
        return self._arranged(identity.values(), tags, self._own_words(identity), withheld)

    def _varying(self, shot: Shot, withheld: Collection[str]) -> dict[str, str]:
        """`varying`, without the parts that a phase withholds."""
        found: dict[str, str] = {}
        for part in self.subject.captions:
            if part not in withheld:
                found |= self._tags_of(part, shot)
        return self._visible(found, shot)

    def _tags_of(self, part: str, shot: Shot) -> dict[str, str]:
        """Axis → tag of one part of a caption that varies; nothing for its head."""
        if part == self.subject.outfit_axis:
            return self.outfit(shot[part])
        if part == "view":
            return {part: self.views.families[shot.view_family].views[shot.view]}
        if part == "framing" or part in shot.axes:
            return {part: shot[part]}
        return {}

    def _crossed(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Axis → tag; the one background of a character is followed by the tag that it has of its own."""
        own, axis = [*map(folded, self.character.backgrounds)], self.subject.background_axis
        found = dict(tags)
        if self.character.crossover and axis in tags and own == [folded(tags[axis])]:
            found[axis] = _line((tags[axis], *self.character.crossover))
        return found

    def _arranged(
        self,
        traits: Iterable[str],
        varying: Mapping[str, str],
        own_words: Iterable[str],
        withheld: Collection[str],
    ) -> tuple[str, ...]:
        """Tags, or the clauses of a sentence, in caption order, without the parts of its head that are withheld."""
        head: dict[str, tuple[str, ...]] = {
            "trigger": (self.character.trigger,),
            "core": self.character.core,
            "own words": tuple(own_words),
            IDENTITY: tuple(traits),
        }
        for part in withheld:
            if part in head:
                head[part] = ()
        if self.dialect == "prose":
            return self._sentence(head, varying)
        ordered = [tag for part in self.subject.captions for tag in head.get(part, ())]
        return _tags((*ordered, *varying.values()))

    def _sentence(self, head: Mapping[str, tuple[str, ...]], varying: Mapping[str, str]) -> tuple[str, ...]:
        """The clauses of a caption in prose."""
        scene_axes = ("view", "framing", *self.subject.scene_axes, "altered", "enlarged")
        outfits = [outfit.trigger for outfit in self.character.wardrobe.values() if outfit.trigger in varying.values()]
        own_words = (*head["own words"], *outfits)
        scene, clothes, other = {}, [], {}
        for key, tag in varying.items():
            if axis_in(key) in scene_axes:
                scene[key] = tag
            elif self._is_worn(key, tag):
                clothes.append(tag)
            else:
                other[key] = tag
        worn = [tag for tag in clothes if tag not in own_words]
        scene = {**joined_by_axis(scene), **other}
        return clauses("".join(head["trigger"]), head["core"], head[IDENTITY], worn, scene, own_words)

    def _is_worn(self, key: str, tag: str) -> bool:
        """Whether a tag that is no part of the scene is put on: a tag that a person wrote may be anything."""
        if axis_in(key) == self.subject.outfit_axis or tag in self.character.outfit_tags:
            return True
        return tag.split(" ")[-1].lower() in GARMENTS

    def _own_words_in(self, shot: Shot, traits: Mapping[str, str]) -> tuple[str, ...]:
        """The character's own words for what a shot shows; not for a trait that is exchanged for another."""
        own = self.identity
        return self._own_words({axis for axis in self._visible(own, shot) if traits.get(axis, own[axis]) == own[axis]})

    def _own_words(self, axes: Collection[str]) -> tuple[str, ...]:
        """The unique tags of the parts that these axes show, and the style switch."""
        return (*self._unique(axes), *self.character.style_switch)

    def _unique(self, axes: Collection[str]) -> tuple[str, ...]:
        """The unique tags of the parts that these axes show."""
        shown = {self.identity[axis] for axis in axes}
        words = []
        for part, word in self.character.unique.items():
            if shown.intersection(self.character.invariant[part]):
                words.append(word)
        return tuple(words)

    def unique_beside(self, tags: Iterable[str]) -> tuple[str, ...]:
        """The unique tags that belong into a caption of these tags: of the parts that its view, its framing and its
        other tags do not hide."""
        said, hidden = {folded(tag) for tag in tags}, set[str]()
        hiding = [*self.views.framing_hides.items(), *self.subject.hides.items()]
        for family in self.views.families.values():
            hiding += [(part, family.hides) for view in family.views.values() for part in caption_parts(view)]
        for tag, axes in hiding:
            if folded(tag) in said:
                hidden.update(axes)
        return self._unique([axis for axis in self.identity if axis_in(axis) not in hidden])

    def _visible(self, tags: Mapping[str, str], shot: Shot) -> dict[str, str]:
        """The tags whose axis the view, the framing and the shot's own words do not hide."""
        hidden = set(self.views.hidden(shot.view_family, shot.framing))
        for axis, value in shot.axes.items():
            if axis not in hidden:
                hidden.update(self.subject.hides.get(value, ()))
        return {axis: tag for axis, tag in tags.items() if tag and axis_in(axis) not in hidden}


def calling(character: Character, dialect: Dialect, traits: Iterable[str] = ()) -> tuple[str, ...]:
    """What calls the whole character in a prompt: the trigger, the core, and its own words where it has some.

    ``traits`` are identity tags that the prompt names besides.
    """
    own_words = (*character.unique.values(), *character.style_switch)
    if dialect == "prose":
        return clauses(character.trigger, character.core, tuple(traits), (), {}, own_words)
    return _tags((character.trigger, *character.core, *own_words, *traits))


def described(character: Character, dialect: Dialect) -> tuple[str, ...]:
    """The whole character in a prompt, its traits and its usual clothes named: for who does not know its trigger."""
    own_words = (*character.unique.values(), *character.style_switch)
    usual = next(iter(character.wardrobe.values()))
    if dialect == "prose":
        own_words = (*own_words, usual.trigger)
        return clauses(character.trigger, character.core, character.identity, usual.tags, {}, own_words)
    worn = (usual.trigger, *usual.tags)
    return _tags((character.trigger, *character.core, *own_words, *character.identity, *worn))


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for tag in tags:
        found += caption_parts(tag)
    return tuple(dict.fromkeys(found))


def _line(tags: Iterable[str]) -> str:
    return ", ".join(_tags(tags))
