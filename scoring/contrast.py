"""Two sides of a question by words: phrases of what is well against phrases of what is not, next to the seeds.

CLIP has no absolute sense of either; the seed that reads worst says what is still normal. Knows no threshold but that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoring.features import Features, WordEncoder
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture, not_applicable
from scoring.settings import Role, ScorerSettings
from scoring.zeroshot import log_probabilities

__all__ = ["PhraseContrast", "PhraseContrastSettings", "leads"]


class PhraseContrastSettings(ScorerSettings):
    """The phrases of both sides, and how much worse than the worst seed a picture may read."""

    kind: Literal["contrast"] = "contrast"
    role: Role = "quality"
    good: tuple[str, ...] = ()
    """Phrases of pictures that are well."""
    bad: tuple[str, ...] = ()
    """Phrases of pictures that are not."""
    visible: tuple[str, ...] = ()
    """Phrases of pictures in which it can be seen; none: it always can."""
    hidden: tuple[str, ...] = ()
    """Phrases of pictures in which it cannot: where these lead, the scorer cannot tell."""
    slack: float = 1.0
    """Log-probability by which a picture may read worse than the seed that reads worst."""

    @property
    def uses(self) -> tuple[str, ...]:
        """CLIP."""
        return ("clip",)


class PhraseContrast:
    """How well a picture reads, next to the seeds.

    The value is the log-probability of the good phrases over the bad ones, less that of the seed that reads worst, plus
    ``slack``: below 0 it reads worse than any seed. Not applicable where the ``hidden`` phrases lead the ``visible``
    ones. Made for faults that no detector names; on real bases it was not measured.

    Args:
        encoder: CLIP. features: its cache.
        references: the seeds.
        settings: phrases and slack.
    """

    Settings = PhraseContrastSettings

    def __init__(
        self,
        encoder: WordEncoder,
        features: Features,
        references: Sequence[Picture],
        settings: PhraseContrastSettings,
        name: str = "contrast",
    ) -> None:
        self.name = name
        self._encoder, self._features, self._settings = encoder, features, settings
        normal = leads(encoder, features, references, settings.good, settings.bad)
        self._worst = min(0.0, float(normal.min())) if normal.size else 0.0
        said = repr((encoder.fingerprint, settings.model_dump_json(), round(self._worst, 4)))
        self.fingerprint = f"contrast:{hashlib.sha256(said.encode()).hexdigest()[:12]}"

    @classmethod
    def make(cls, name: str, settings: PhraseContrastSettings, materials: Materials) -> PhraseContrast:
        """By the panel's CLIP and the seeds."""
        return cls(materials.clip, materials.features, materials.references, settings, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """How much better than the worst seed each picture reads."""
        own = self._settings
        values = leads(self._encoder, self._features, pictures, own.good, own.bad)
        if not values.size:
            return [not_applicable("it has no phrases of both sides")] * len(pictures)
        shown = leads(self._encoder, self._features, pictures, own.visible, own.hidden)
        answers = []
        for number, value in enumerate((values - self._worst + own.slack).tolist()):
            if shown.size and shown[number] < 0:
                answers.append(not_applicable(f'reads as "{own.hidden[0]}"'))
            else:
                answers.append(Measurement(value, f'reads as "{own.bad[0]}"' if value < 0 else ""))
        return answers


def leads(
    encoder: WordEncoder, features: Features, pictures: Sequence[Picture], ones: Sequence[str], others: Sequence[str]
) -> NDArray[np.float64]:
    """Log-probability of some phrases over that of others, shape (n,); empty without pictures or either phrases."""
    if not (ones and others and pictures):
        return np.zeros(0)
    rows = log_probabilities(encoder, features, pictures, [*ones, *others])
    count = len(ones)
    lead = np.logaddexp.reduce(rows[:, :count], axis=1) - np.logaddexp.reduce(rows[:, count:], axis=1)
    return np.asarray(lead, np.float64)
