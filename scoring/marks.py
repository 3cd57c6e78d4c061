"""Watermarks and signatures without a tagger: lettering near an edge, and what CLIP reads, next to the seeds.

Knows no threshold of CLIP's but the seeds': a picture counts as marked by its words where it reads so far more than the
seed that reads so most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.contrast import leads
from scoring.features import Features, WordEncoder
from scoring.lettering import FEWEST, Lettering, lettering
from scoring.materials import Materials
from scoring.measurement import Measurement, Picture
from scoring.settings import Role, ScorerSettings

__all__ = ["MarkAbsence", "MarkAbsenceSettings", "edge_lettering"]

EDGE = 0.25
"""Share of the height at the top and at the bottom in which lettering is a mark: in between clothes have prints."""


class MarkAbsenceSettings(ScorerSettings):
    """The words of marked and of clean pictures, and how much more than a seed a marked one reads so."""

    kind: Literal["marks"] = "marks"
    role: Role = "check"
    shows: tuple[str, ...] = ()
    """Phrases of pictures with a mark; none: lettering alone counts."""
    clean: tuple[str, ...] = ()
    """Phrases of pictures without one."""
    slack: float = 2.0
    """Log-probability by which a picture may read as marked more than the seed that does most."""

    @property
    def uses(self) -> tuple[str, ...]:
        """CLIP."""
        return ("clip",)


class MarkAbsence:
    """Does a picture show no watermark and no signature? ≥ 0 shows none.

    The value is the smaller of two: how many letters a row near an edge lacks of being lettering, and by how much
    less than ``slack`` more than any seed the picture reads as marked (log-probability). Lettering was found in 1 of
    100 clean renders and noise pictures, and in .8 of those with a word of 4 % of the side and more; LOG "Lettering".

    Args:
        encoder: CLIP. features: its cache.
        references: the seeds.
        shows: phrases of marked pictures; empty: CLIP is not asked.
        clean: phrases of clean ones.
        slack: log-probability that is allowed beyond the seeds' most.
    """

    Settings = MarkAbsenceSettings

    def __init__(
        self,
        encoder: WordEncoder,
        features: Features,
        references: Sequence[Picture],
        shows: Sequence[str] = (),
        clean: Sequence[str] = (),
        slack: float = 2.0,
        name: str = "marks",
    ) -> None:
        self.name = name
        self._encoder, self._features, self._slack = encoder, features, slack
        self._shows, self._clean = tuple(shows), tuple(clean)
        most = self._leads(references)
        self._most = max(0.0, float(most.max())) if most.size else 0.0
        settings = repr((encoder.fingerprint, self._shows, self._clean, slack, round(self._most, 4)))
        self.fingerprint = f"marks:{hashlib.sha256(settings.encode()).hexdigest()[:12]}"

    @classmethod
    def make(cls, name: str, settings: MarkAbsenceSettings, materials: Materials) -> MarkAbsence:
        """By the panel's CLIP and the seeds."""
        m = materials
        return cls(m.clip, m.features, m.references, settings.shows, settings.clean, settings.slack, name)

    def score(self, pictures: Sequence[Picture]) -> list[Measurement]:
        """How far each picture is from showing a mark."""
        leads = self._leads(pictures)
        answers = []
        for number, picture in enumerate(pictures):
            row = edge_lettering(picture.image)
            found = [(float(FEWEST - 1 - row.letters), f"shows lettering at the {row.place}")] if row else [(1.0, "")]
            if leads.size:
                lead = float(leads[number])
                found.append((self._slack + self._most - lead, f'reads as "{self._shows[0]}"'))
            value, why = min(found)
            answers.append(Measurement(value, why if value < 0 else ""))
        return answers

    def _leads(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        return leads(self._encoder, self._features, pictures, self._shows, self._clean)


def edge_lettering(image: Image.Image) -> Lettering | None:
    """A row of letters near the upper or lower edge of a picture; None where there is none."""
    row = lettering(image)
    if row is None:
        return None
    middle = (row.box[1] + row.box[3]) / 2
    return row if middle < EDGE or middle > 1 - EDGE else None
