"""What a picture shows, in words: tags that are seen on it, and asked tags that are not.

A tagger names what it sees. CLIP names the word of an axis that leads the others, and the colour of what is worn. Knows
no caption: which words one holds is decided where captions are made. CLIP cannot deny a tag that has no rivals.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scoring.features import Features, Vocabulary, WordEncoder
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture
from scoring.settings import Role, ScorerSettings
from scoring.tagger import Tagger
from scoring.zeroshot import log_probabilities

__all__ = ["Sight", "SightByClip", "SightByTagger", "SightByTaggerSettings", "SightSettings"]

COLORS = (
    "black", "brown", "blonde", "red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "grey", "aqua",
)  # fmt: skip
SEEN, UNSEEN = "seen: ", "not seen: "


@dataclass(frozen=True, slots=True)
class Sight:
    """The words that a picture shows, the surest first, and those that were asked for and that it does not show."""

    seen: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As it stands in the reason of a measurement."""
        return f"{SEEN}{', '.join(self.seen)}; {UNSEEN}{', '.join(self.unseen)}"

    @classmethod
    def read(cls, text: str) -> Sight:
        """What `text` says; nothing of any other text."""
        seen, found, unseen = text.partition(f"; {UNSEEN}")
        if not found or not seen.startswith(SEEN):
            return cls()
        return cls(_listed(seen.removeprefix(SEEN)), _listed(unseen))


class SightSettings(ScorerSettings):
    """What CLIP reads besides what is asked, and how far a word must lead."""

    kind: Literal["sight"] = "sight"
    role: Role = "caption"
    axes: tuple[str, ...] = ("expression", "pose")
    """The axes of the vocabulary that are read."""
    margin: float = Field(2.0, gt=0)
    """Log-probability by which a word must lead the asked one for that to count as not seen, and every other one to
    count as seen itself."""
    believed: float = Field(0.5, ge=0, le=1)
    """Share of the pictures asked for a word that may lack it; of a word that more seem to lack, CLIP is not believed:
    it cannot see such a thing."""
    most: int = Field(11, ge=1)
    """Tags up to which a caption is completed with what is seen."""

    @property
    def uses(self) -> tuple[str, ...]:
        """CLIP."""
        return ("clip",)


class SightByTaggerSettings(ScorerSettings):
    """From which probability on a tag is seen, and below which an asked one is not."""

    kind: Literal["tag-sight"] = "tag-sight"
    role: Role = "caption"
    seen: float = Field(0.5, gt=0, lt=1)
    """Probability from which a tag counts as seen."""
    unseen: float = Field(0.2, gt=0, lt=1)
    """Probability below which an asked tag counts as not seen; a tag that the tagger does not have is not judged."""
    believed: float = Field(1.0, ge=0, le=1)
    """Share of the pictures asked for a word that may lack it; of a word that more seem to lack it is not believed."""
    most: int = Field(11, ge=1)
    """Tags up to which a caption is completed with what is seen."""
    unjudged: tuple[str, ...] = ("view", "framing", "background", "style")
    """Asked axes that are left to other scorers."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The tagger."""
        return ("tagger",)


class SightByTagger:
    """The tags of a tagger. The value is the smallest lead in log-odds of an asked tag over ``unseen``: ≥ 0 shows all.

    Args:
        tagger: reads pictures. features: its cache.
        seen, unseen: probabilities, see `SightByTaggerSettings`.
        unjudged: asked axes that are not looked at.
    """

    Settings = SightByTaggerSettings

    def __init__(
        self,
        tagger: Tagger,
        features: Features,
        seen: float = 0.5,
        unseen: float = 0.2,
        unjudged: Sequence[str] = (),
        name: str = "sight",
    ) -> None:
        self.name = name
        self._tagger, self._features, self._unjudged = tagger, features, frozenset(unjudged)
        self._seen, self._unseen = _odds(seen), _odds(unseen)
        self.fingerprint = _fingerprint(tagger.fingerprint, seen, unseen, sorted(self._unjudged))

    @classmethod
    def make(cls, name: str, settings: SightByTaggerSettings, materials: Materials) -> SightByTagger:
        """By the panel's tagger; the subject's own traits are left to other scorers."""
        unjudged = (*settings.unjudged, *(materials.identity or ()))
        return cls(materials.tag_reader, materials.features, settings.seen, settings.unseen, unjudged, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The smallest lead of an asked tag for each picture; the reason is a `Sight`."""
        rows = self._features.vectors(self._tagger, pictures)
        return [self._measure(picture, row) for picture, row in zip(pictures, rows, strict=True)]

    def _measure(self, picture: Picture, row: NDArray[np.float32]) -> Measurement:
        leads: dict[str, float] = {}
        for tag in _asked(picture, self._unjudged):
            for place in self._tagger.places(_endings(tag))[:1]:
                leads[tag] = float(row[place]) - self._unseen
        sight = Sight(
            tuple(self._tagger.tags_of(row, self._seen)), tuple(tag for tag, lead in leads.items() if lead < 0)
        )
        return Measurement(min(leads.values(), default=0.0), sight.text)


class SightByClip:
    """Words read zero-shot. The value is the smallest lead of an asked word over the best other one, plus ``margin``.

    Args:
        encoder: a word encoder. features: its cache.
        vocabulary: axis → words that exclude each other: those that are read.
        margin: log-probability by which another word must lead the asked one.
        unjudged: asked axes that are not looked at.
    """

    Settings = SightSettings

    def __init__(
        self,
        encoder: WordEncoder,
        features: Features,
        vocabulary: Vocabulary,
        margin: float = 2.0,
        unjudged: Sequence[str] = (),
        name: str = "sight",
    ) -> None:
        self.name = name
        self._encoder, self._features, self._margin = encoder, features, margin
        self._vocabulary = {axis: tuple(words) for axis, words in vocabulary.items() if len(words) > 1}
        self._unjudged = frozenset(unjudged)
        words = sorted(self._vocabulary.items())
        self.fingerprint = _fingerprint(encoder.fingerprint, words, margin, sorted(self._unjudged), COLORS)

    @classmethod
    def make(cls, name: str, settings: SightSettings, materials: Materials) -> SightByClip:
        """By the words of its axes; the subject's own traits are left to other scorers."""
        words = {axis: some for axis, some in materials.vocabulary.items() if axis in settings.axes}
        unjudged = ("view", "framing", "background", "style", *(materials.identity or ()))
        return cls(materials.clip, materials.features, words, settings.margin, unjudged, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The smallest lead of an asked word for each picture; the reason is a `Sight`."""
        return [self._measure(picture) for picture in pictures]

    def _measure(self, picture: Picture) -> Measurement:
        leads, seen, unseen = [0.0], [], []
        for asked, words in self._questions(picture):
            row = log_probabilities(self._encoder, self._features, [picture], words)[0]
            best = int(np.argmax(row))
            wanted = [row[words.index(word)] for word in asked]
            if wanted:
                leads.append(float(min(wanted) - row[best]) + self._margin)
            lost = [word for word in asked if row[best] - row[words.index(word)] > self._margin]
            unseen += [asked[word] for word in lost]
            if float(row[best] - np.partition(row, -2)[-2]) >= self._margin:
                seen.append(words[best])
        return Measurement(min(leads), Sight(tuple(seen), tuple(unseen)).text)

    def _questions(self, picture: Picture) -> list[tuple[dict[str, str], Sequence[str]]]:
        """What is read of a picture: the asked words, each with the tag that means it, and all words of the axis."""
        tags = _asked(picture, self._unjudged)
        found: list[tuple[dict[str, str], Sequence[str]]] = []
        for axis, words in self._vocabulary.items():
            if axis in picture.asked:  # what a view hides is not asked for, and not looked for
                found.append((_meant(tags, words), words))
        read = {tag for asked, _ in found for tag in asked.values()}
        for tag in tags:
            color, _, thing = tag.partition(" ")
            if color in COLORS and thing and tag not in read:
                found.append(({tag: tag}, [f"{one} {thing}" for one in COLORS]))
        return found


def _asked(picture: Picture, unjudged: frozenset[str]) -> list[str]:
    """The asked tags, in order, without those of some axes."""
    return [tag for axis, tags in picture.asked.items() if axis not in unjudged for tag in _listed(tags)]


def _meant(tags: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    """Word → the tag that means it: the word itself, or one that ends in it."""
    found = {}
    for tag in tags:
        for word in [word for word in _endings(tag) if word in words][:1]:
            found[word] = tag
    return found


def _endings(tag: str) -> list[str]:
    """A tag, then what is left of it without its first words: "frilly white shirt", "white shirt", "shirt"."""
    parts = tag.split()
    return [" ".join(parts[start:]) for start in range(len(parts))]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(tag.strip() for tag in text.split(", ") if tag.strip())


def _odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _fingerprint(model: str, *settings: object) -> str:
    return f"{model}:sight:{hashlib.sha256(repr(settings).encode()).hexdigest()[:12]}"
