"""Did the picture stay in the scene of a seed, where another was asked?

Drawers that are shown a reference sometimes draw it again: its framing, its place and its pose, whatever the words say.
One such axis alone may be an error of the base; all of them together are a copy. Knows no whole-picture similarity (see
`scoring.duplicates`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scoring.features import Features, Vocabulary, WordEncoder
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.settings import Reader, Role, ScorerSettings
from scoring.zeroshot import log_probabilities

__all__ = ["SceneOfSeed", "SceneSettings"]

Rows = Mapping[str, NDArray[np.float64]]
"""Axis → log-probability of each of its words, (pictures, words)."""


class SceneSettings(ScorerSettings):
    """What belongs to a scene, and which model reads it."""

    kind: Literal["scene"] = "scene"
    role: Role = "check"
    axes: tuple[str, ...] = Field(("framing", "background", "pose"), min_length=1)
    """Axes of the vocabulary in which a copy is like its reference."""
    least: int = Field(2, ge=1)
    """In how many of them another scene must be asked, for a picture to be judged."""
    reader: Reader = "clip"
    """The model that reads the words."""
    margin: float = 0.0
    """Log-probability (of a tagger: log-odds) by which the asked word must lead the seed's in one axis at least."""

    @property
    def uses(self) -> tuple[str, ...]:
        """Its reader."""
        return (self.reader,)


class SceneOfSeed:
    """Does the picture leave the seed's own scene where another was asked? ≥ 0 does, on one axis at least.

    The largest lead, over the axes in which something else was asked, of the asked word over the seed's own.

    Below ``slack`` every such axis reads as the seed's. With several seeds the one counts whose scene is nearest. Not
    applicable where fewer than ``least`` axes ask for anything else.

    Args:
        encoder: a word encoder. features: its cache.
        references: the seeds, whose scene is read from them.
        vocabulary: axis → phrases that exclude each other; the axes of a scene.
    """

    Settings = SceneSettings

    def __init__(
        self,
        encoder: WordEncoder,
        features: Features,
        references: Sequence[Picture],
        vocabulary: Vocabulary,
        least: int = 2,
        slack: float = 0.0,
        name: str = "scene",
    ) -> None:
        self.name = name
        self._encoder, self._features, self._least, self._slack = encoder, features, least, slack
        self._vocabulary = {axis: list(words) for axis, words in vocabulary.items() if len(words) > 1}
        self._references = tuple(references)
        settings = repr((sorted(self._vocabulary.items()), least, slack, sorted(one.digest for one in references)))
        self.fingerprint = f"{encoder.fingerprint}:{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    @classmethod
    def make(cls, name: str, settings: SceneSettings, materials: Materials) -> SceneOfSeed:
        """Of the words that its reader knows."""
        words = materials.words(settings.reader)
        scene = {axis: words[axis] for axis in settings.axes if axis in words}
        reader, m = materials.reader(settings.reader), materials
        return cls(reader, m.features, m.references, scene, settings.least, settings.margin, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The lead of what was asked for each picture."""
        if not pictures:
            return []
        rows, seeds, found = self._read(pictures), self._read(self._references), []
        for place, picture in enumerate(pictures):
            leads = [self._lead(picture, place, rows, number, seeds) for number in range(len(self._references))]
            told = [lead for lead in leads if lead is not None]
            value = min(told) - self._slack if told else None
            if value is None:
                found.append(not_applicable("too little else was asked than a seed shows"))
            else:
                found.append(Measurement(value, "the scene of a seed" if value < 0 else ""))
        return found

    def _read(self, pictures: Sequence[Picture]) -> Rows:
        return {
            axis: log_probabilities(self._encoder, self._features, pictures, words)
            for axis, words in self._vocabulary.items()
            if pictures
        }

    def _lead(self, picture: Picture, place: int, rows: Rows, number: int, seeds: Rows) -> float | None:
        """The largest lead of an asked word over that of one seed; None where too few axes ask for another."""
        leads = []
        for axis, words in self._vocabulary.items():
            asked = picture.asked.get(axis, "")
            shown = int(np.argmax(seeds[axis][number]))
            if asked in words and words.index(asked) != shown:
                row = rows[axis][place]
                leads.append(float(row[words.index(asked)] - row[shown]))
        return max(leads) if len(leads) >= self._least else None
