"""Is the picture what was asked, by the tags that it shows or must not show? View and number of subjects.

Words that exclude each other are compared by `scoring.zeroshot.TraitCheck`; here are the checks that need an absence: a
front view has no tag of its own, it is what shows neither a side nor a back. Knows no threshold but those it is given.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from scoring.features import Features
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.settings import About, Role, ScorerSettings
from scoring.tagger import Tagger

__all__ = [
    "TagAbsence", "TagAbsenceSettings", "TagRule", "TagSubjects", "TagSubjectsSettings", "TagView", "TagViewSettings",
]  # fmt: skip

CROWD = (
    "2girls", "3girls", "4girls", "5girls", "6+girls", "multiple girls", "2boys", "3boys", "4boys", "5boys", "6+boys",
    "multiple boys", "2others", "multiple others", "multiple views",
)  # fmt: skip
PAIR = ("1girl", "1boy")
"""Tags that mean two subjects where both are seen."""


class TagRule(BaseModel):
    """A view family by its tags."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    shows: tuple[str, ...] = ()
    """One of these must be seen; empty: nothing must, the view family is what shows none of ``never``."""
    never: tuple[str, ...] = ()
    """None of these may be seen."""


class TagViewSettings(ScorerSettings):
    """The tags of each view family, and when a tag counts as seen."""

    kind: Literal["tag-view"] = "tag-view"
    role: Role = "check"
    about: About = "shot"
    views: Mapping[str, TagRule] = Field(default_factory=dict)
    """View family → its tags; a family that is not named is not checked."""
    seen: float = Field(0.35, gt=0, lt=1)
    """Probability from which a tag counts as seen."""
    unseen: float = Field(0.6, gt=0, lt=1)
    """Probability from which a tag that may not be there counts against a picture."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The tagger."""
        return ("tagger",)

    @property
    def view_families(self) -> Mapping[str, Sequence[str]]:
        """Those of its rules too."""
        return {"qualified": self.qualified, "views": tuple(self.views)}


class TagSubjectsSettings(ScorerSettings):
    """When a tag of several subjects counts."""

    kind: Literal["tag-subjects"] = "tag-subjects"
    role: Role = "check"
    unseen: float = Field(0.5, gt=0, lt=1)
    """Probability from which a tag of several subjects counts against a picture."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The tagger."""
        return ("tagger",)


class TagAbsenceSettings(ScorerSettings):
    """The tags that no picture may show, such as watermarks, and when one counts."""

    kind: Literal["tag-absence"] = "tag-absence"
    role: Role = "check"
    tags: tuple[str, ...] = Field(min_length=1)
    """Words; those that the tagger does not have are skipped."""
    unseen: float = Field(0.5, gt=0, lt=1)
    """Probability from which a tag counts against a picture."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The tagger."""
        return ("tagger",)


class TagView:
    """Does the picture show the view family that was asked?

    The value is the smaller of two leads in log-odds: of the best tag that must be seen over ``seen``, and of
    ``unseen`` over the best tag that may not be; ≥ 0 is as asked. Tags that the tagger does not have are skipped.

    Args:
        tagger: reads pictures. features: its cache.
        rules: view family → its tags.
        seen: probability from which a tag counts as seen.
        unseen: probability from which a tag that may not be there counts against the picture.
    """

    Settings = TagViewSettings

    def __init__(
        self,
        tagger: Tagger,
        features: Features,
        rules: Mapping[str, TagRule],
        seen: float = 0.35,
        unseen: float = 0.6,
        name: str = "view",
    ) -> None:
        self.name = name
        self._tagger, self._features, self._rules = tagger, features, dict(rules)
        self._seen, self._unseen = _odds(seen), _odds(unseen)
        self.fingerprint = _fingerprint(tagger, sorted((k, r.shows, r.never) for k, r in rules.items()), seen, unseen)

    @classmethod
    def make(cls, name: str, settings: TagViewSettings, materials: Materials) -> TagView:
        """By the panel's tagger."""
        tagger, features = materials.tag_reader, materials.features
        return cls(tagger, features, settings.views, settings.seen, settings.unseen, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The lead of the asked view family for each picture."""
        rows = self._features.vectors(self._tagger, pictures)
        return [self._measure(picture, row) for picture, row in zip(pictures, rows, strict=True)]

    def _measure(self, picture: Picture, row: NDArray[np.float32]) -> Measurement:
        rule = self._rules.get(picture.view_family)
        shows = self._known(rule.shows) if rule else []
        never = self._known(rule.never) if rule else []
        if not shows and not never:
            return not_applicable(f"no tag names the view '{picture.view_family}'")
        found: list[tuple[float, str]] = []
        if shows:
            lead, word = max((float(row[place]), word) for word, place in shows)
            found.append((lead - self._seen, f"does not show '{word}' ({_probability(lead):.2f})"))
        if never:
            lead, word = max((float(row[place]), word) for word, place in never)
            found.append((self._unseen - lead, f"shows '{word}' ({_probability(lead):.2f})"))
        value, why = min(found)
        return Measurement(value, why if value < 0 else "")

    def _known(self, words: Sequence[str]) -> list[tuple[str, int]]:
        return [(word, place) for word in words for place in self._tagger.places([word])]


class TagSubjects:
    """One subject? The lead in log-odds of ``unseen`` over the best tag of several: ≥ 0 is one subject, or none.

    Args:
        tagger: reads pictures. features: its cache.
        unseen: probability from which a tag of several subjects counts against the picture.
    """

    Settings = TagSubjectsSettings

    def __init__(self, tagger: Tagger, features: Features, unseen: float = 0.5, name: str = "subjects") -> None:
        self.name = name
        self._tagger, self._features, self._unseen = tagger, features, _odds(unseen)
        self._crowd = [(word, place) for word in CROWD for place in tagger.places([word])]
        self._pair = tagger.places(PAIR)
        self.fingerprint = _fingerprint(tagger, CROWD, PAIR, unseen)

    @classmethod
    def make(cls, name: str, settings: TagSubjectsSettings, materials: Materials) -> TagSubjects:
        """By the panel's tagger."""
        return cls(materials.tag_reader, materials.features, settings.unseen, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The lead of one subject for each picture."""
        rows = self._features.vectors(self._tagger, pictures)
        return [self._measure(row) for row in rows[: len(pictures)]]

    def _measure(self, row: NDArray[np.float32]) -> Measurement:
        found = [(float(row[place]), word) for word, place in self._crowd]
        if len(self._pair) == len(PAIR):
            found.append((float(min(row[place] for place in self._pair)), " and ".join(PAIR)))
        if not found:
            return not_applicable("the tagger has no tag of several subjects")
        return _absent(found, self._unseen)


class TagAbsence:
    """Is none of some tags seen? The lead in log-odds of ``unseen`` over the best of them: ≥ 0 shows none.

    Args:
        tagger: reads pictures. features: its cache.
        tags: the words that no picture may show.
        unseen: probability from which one counts against the picture.
    """

    Settings = TagAbsenceSettings

    def __init__(
        self, tagger: Tagger, features: Features, tags: Sequence[str], unseen: float = 0.5, name: str = "absence"
    ) -> None:
        self.name = name
        self._tagger, self._features, self._unseen = tagger, features, _odds(unseen)
        self._tags = [(word, place) for word in tags for place in tagger.places([word])]
        self.fingerprint = _fingerprint(tagger, tuple(tags), unseen)

    @classmethod
    def make(cls, name: str, settings: TagAbsenceSettings, materials: Materials) -> TagAbsence:
        """By the panel's tagger."""
        return cls(materials.tag_reader, materials.features, settings.tags, settings.unseen, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The lead over these tags for each picture."""
        if not self._tags:
            return [not_applicable("the tagger has none of the tags")] * len(pictures)
        answers = []
        for row in self._features.vectors(self._tagger, pictures)[: len(pictures)]:
            answers.append(_absent([(float(row[place]), word) for word, place in self._tags], self._unseen))
        return answers


def _absent(found: Sequence[tuple[float, str]], unseen: float) -> Measurement:
    """The lead of ``unseen`` over the best of some tags, all in log-odds."""
    lead, word = max(found)
    value = unseen - lead
    return Measurement(value, f"shows '{word}' ({_probability(lead):.2f})" if value < 0 else "")


def _odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _fingerprint(tagger: Tagger, *settings: object) -> str:
    return f"{tagger.fingerprint}:{hashlib.sha256(repr(settings).encode()).hexdigest()[:12]}"
