"""Does the picture show the word that was asked for on one axis, such as its framing or its background?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scoring.crops import Crops
from scoring.features import Features, WordEncoder
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture
from scoring.settings import About, Reader, Role, ScorerSettings
from scoring.zeroshot import TraitCheck

__all__ = ["AxisCheck", "AxisSettings"]


class AxisSettings(ScorerSettings):
    """Which axis is read, by which model, and how far the asked word may trail."""

    kind: Literal["axis"] = "axis"
    role: Role = "check"
    about: About = "shot"
    axis: str
    """An axis of the vocabulary; where it has no words, nothing can be measured."""
    reader: Reader = "clip"
    """The model that reads the words."""
    margin: float = 0.0
    """Log-probability (of a tagger: log-odds) by which the asked word must lead; below 0: by which it may trail."""

    @property
    def uses(self) -> tuple[str, ...]:
        """Its reader."""
        return (self.reader,)


class AxisCheck:
    """Does the picture show what was asked on one axis, such as its background? The lead of the asked word; ≥ 0 does.

    A `TraitCheck` of one axis of the vocabulary, whether or not it is a trait of the subject.

    Args:
        encoder: a word encoder. features: its cache.
        axis: the asked axis that is checked.
        words: the phrases of the axis that exclude each other.
        slack: lead that is demanded (negative: that may be missing).
        heads: read head crops instead of whole pictures.
        name: the key of its measurements.
    """

    Settings = AxisSettings

    def __init__(
        self,
        encoder: WordEncoder,
        features: Features,
        axis: str,
        words: Sequence[str],
        slack: float = 0.0,
        heads: Crops | None = None,
        name: str = "axis",
    ) -> None:
        self.name = name
        self._check = TraitCheck(encoder, features, {axis: words}, [axis], slack=slack, heads=heads)
        self.fingerprint = self._check.fingerprint

    @classmethod
    def make(cls, name: str, settings: AxisSettings, materials: Materials) -> AxisCheck:
        """Of whole pictures, by the words that its reader knows."""
        words = materials.words(settings.reader).get(settings.axis, ())
        reader, features = materials.reader(settings.reader), materials.features
        return cls(reader, features, settings.axis, words, settings.margin, name=name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """The margin of the asked word for each picture."""
        return self._check.score(pictures)
