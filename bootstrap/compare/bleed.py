"""Bleed between outfits: clothes of one outfit that turn up on pictures which ask for another.

A garment of another outfit counts where the panel reads it on a picture and the asked outfit does not have it. The
base's own pictures from words are read in the same way: what they show as often is a misreading, or a habit of the
base. Knows no checkpoint and chooses nothing; a print that no outfit names is not seen.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bootstrap.captions.several_tags import axis_in
from bootstrap.captions.wording import Wording
from bootstrap.compare.trial_shots import NEVER_WORN
from bootstrap.panel.models import PanelModels
from bootstrap.pictures.caption_text import caption_parts
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.zeroshot import log_probabilities

__all__ = ["BLED", "BleedCheck", "Bleeding", "bleeding"]

BLED = "bleed"
"""Name of the measurement: 0 where no garment of another outfit is read, else minus how many; ``why`` names them."""
SHOWN = 0.0
"""Log-odds from which a tagger's word counts as shown: a probability of one half."""
MORE_OFTEN = 0.2
"""How much more often than on the base's pictures clothes of other outfits must be read to be called bleed."""
LEAST = 2
"""Pictures beyond the base's share that must show them: one may be a misreading."""
MOST_NAMED = 3
Reading = tuple[int, Sequence[str], Sequence[str]]
"""The place of a picture, the phrases that were read on it, and those that it shows."""
Worn = Sequence[tuple[str, str | None]]
"""Of each picture the asked outfit, and the garments of others that are read on it; None where nothing could be."""


class BleedCheck:
    """Which garments of other outfits a picture shows; the asked one is what ``Picture.asked`` says.

    Garments of an axis of the vocabulary are read against all words of the axis; others by the tagger where it has a
    tag for them, one by one; and what is left of each outfit against what is left of the others, by CLIP.
    """

    def __init__(self, models: PanelModels, wording: Wording, name: str = BLED) -> None:
        self.name = name
        self._models, self._wording = models, wording
        read = sorted((*self._axes.items(), ("alone", self._alone), ("together", self._together)))
        readers = [reader.fingerprint for reader in (models.clip, models.tagger) if reader is not None]
        self.fingerprint = f"bleed:{hashlib.sha256(repr((read, readers)).encode()).hexdigest()[:16]}"

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """Minus the number of garments of other outfits that each picture shows."""
        found: list[list[str] | None] = [None] * len(pictures)
        for place, phrases, shown in self._readings(pictures):
            if others := self._of_others(phrases, pictures[place]):
                found[place] = [*(found[place] or ()), *(phrase for phrase in shown if phrase in others)]
        answers = []
        for garments in found:
            if garments is None:
                answers.append(not_applicable("the panel can read no garment of another outfit here"))
            else:
                answers.append(Measurement(-float(len(garments)), ", ".join(garments)))
        return answers

    @cached_property
    def _outfits(self) -> dict[str, dict[str, str]]:
        """Outfit that was trained on → garment, as the vocabulary calls it → its axis; "" where it has none."""
        axis, found = self._wording.subject.outfit_axis, {}
        for name in self._wording.character.wardrobe if axis else ():
            if name == NEVER_WORN:
                continue
            garments = {}
            for key, tag in self._wording.outfit(name).items():
                if key != axis:
                    word = self._wording.vocabulary.meaning(tag)
                    garments[word or tag] = axis_in(key) if word else ""
            found[name] = garments
        return found

    @cached_property
    def _garments(self) -> dict[str, str]:
        """Every garment → its axis."""
        return {word: axis for outfit in self._outfits.values() for word, axis in outfit.items()}

    @cached_property
    def _axes(self) -> dict[str, tuple[str, ...]]:
        """The axes that garments have → their words."""
        words = self._wording.words
        return {axis: tuple(words[axis]) for axis in dict.fromkeys(self._garments.values()) if axis}

    @cached_property
    def _alone(self) -> tuple[str, ...]:
        """The garments of no axis that the tagger reads."""
        tagger = self._models.tagger
        return tuple(word for word, axis in self._garments.items() if not axis and tagger and tagger.knows(word))

    @cached_property
    def _together(self) -> tuple[str, ...]:
        """What is left of each outfit, as one phrase."""
        left = []
        for outfit in self._outfits.values():
            left.append(", ".join(word for word, axis in outfit.items() if not axis and word not in self._alone))
        return tuple(dict.fromkeys(filter(None, left)))

    def _readings(self, pictures: Sequence[Picture]) -> Iterator[Reading]:
        """Every reading of garments: of each axis that a picture can show, of single ones, and of what is left."""
        for axis, phrases in self._axes.items():
            yield from self._leading(pictures, axis, phrases)
        if len(self._together) > 1:
            yield from self._leading(pictures, self._wording.subject.outfit_axis, self._together)
        tagger = self._models.tagger
        if tagger is not None and self._alone and pictures:
            vectors = self._models.features.vectors(tagger, pictures)[:, tagger.places(self._alone)]
            for place, row in enumerate(vectors):
                yield place, self._alone, [word for word, odds in zip(self._alone, row, strict=True) if odds >= SHOWN]

    def _leading(self, pictures: Sequence[Picture], axis: str, phrases: Sequence[str]) -> Iterator[Reading]:
        """The phrase that leads on each picture which can show the axis."""
        tagger, hidden = self._models.tagger, self._wording.views.hidden
        reader = tagger if tagger and all(map(tagger.knows, phrases)) else self._models.clip
        where = [n for n, one in enumerate(pictures) if axis not in hidden(one.view_family, one.framing)]
        if where:
            rows = log_probabilities(reader, self._models.features, [pictures[n] for n in where], phrases)
            for place, row in zip(where, rows, strict=True):
                yield place, phrases, [phrases[int(np.argmax(row))]]

    def _of_others(self, phrases: Sequence[str], picture: Picture) -> set[str]:
        """Those that name garments of the wardrobe which the picture was not asked for."""
        asked = {tag for tags in (*picture.asked.values(), *self._wording.identity.values()) for tag in _parts(tags)}
        asked |= {self._wording.vocabulary.meaning(tag) for tag in asked}
        return {phrase for phrase in phrases if _is_of_others(phrase, self._garments, asked)}


def _is_of_others(phrase: str, garments: Collection[str], asked: Collection[str]) -> bool:
    """Whether a phrase names garments of the wardrobe of which one was not asked for."""
    parts = _parts(phrase)
    return all(part in garments for part in parts) and not all(part in asked for part in parts)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(caption_parts(text))


@dataclass(frozen=True, slots=True)
class Bleeding:
    """A sentence about one outfit or all of them, without a full stop; ``found``: clothes of others turn up."""

    found: bool
    text: str


def bleeding(worn: Worn, by_base: Worn, names: Mapping[str, str]) -> list[Bleeding]:
    """Each outfit on which clothes of others turn up, or that none is; nothing where no picture could be read.

    ``names`` is what outfits are called that character.json does not name.
    """
    outfits = dict.fromkeys(name for name, shown in worn if shown is not None)
    found = []
    for outfit in outfits:
        shown, by_words = _Counts.of(worn, (outfit,)), _Counts.of(by_base, (outfit,))
        more = shown.share - by_words.share
        if more >= MORE_OFTEN and more * shown.read >= LEAST:
            called = names.get(outfit, f'outfit "{outfit}"')
            text = f"clothes of other outfits turn up on {called}: {shown.in_words}, by the base from words on"
            found.append(Bleeding(True, f"{text} {by_words.showing} of {by_words.read}"))
    if not found and not set(outfits) <= set(names):
        shown, by_words = _Counts.of(worn, outfits), _Counts.of(by_base, outfits)
        text = f"its outfits stay apart: clothes of another are read on {shown.showing} of {shown.read} pictures"
        found.append(Bleeding(False, f"{text}, by the base from words on {by_words.showing} of {by_words.read}"))
    return found


@dataclass(frozen=True)
class _Counts:
    """Pictures that show garments of other outfits, pictures that could be read, and how often each was seen."""

    showing: int
    read: int
    garments: Counter[str]

    @classmethod
    def of(cls, worn: Worn, outfits: Collection[str]) -> _Counts:
        """Those of some outfits."""
        shown = [garments for outfit, garments in worn if outfit in outfits and garments is not None]
        return cls(sum(map(bool, shown)), len(shown), Counter(one for text in shown for one in _parts(text)))

    @property
    def share(self) -> float:
        """Of the pictures that could be read."""
        return self.showing / max(1, self.read)

    @property
    def in_words(self) -> str:
        """The numbers, and the garments that are seen most."""
        most = ", ".join(f"{garment} {count}" for garment, count in self.garments.most_common(MOST_NAMED))
        return f"on {self.showing} of {self.read} pictures ({most})"
