"""What a panel's answers mean for the loop: failures, captions, decoys, quality.

This is where frames become Pictures, the only thing that `scoring` understands. Knows no round and chooses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from bootstrap.captions.wording import Wording
from bootstrap.config import PanelConfig
from bootstrap.panel.models import PanelModels
from bootstrap.panel.seats import panel_for
from bootstrap.pictures import square
from bootstrap.records import Frame, JobKind
from bootstrap.store.store import Store
from scoring.duplicates import difference_hash
from scoring.features import Encoder, Features
from scoring.measurement import Measurement, Picture
from scoring.panel import Panel
from scoring.second_look import PAIR_DEFECTS

__all__ = ["TRAITS", "Judges", "judges_for"]

TRAITS = "traits"
"""Name of the check of identity traits."""
Values = Mapping[str, Measurement]


def judges_for(
    models: PanelModels,
    config: PanelConfig,
    wording: Wording,
    references: Sequence[Picture],
    approved: Sequence[Picture] = (),
) -> Judges:
    """The panel for these seeds, and for what a person ``approved``."""
    panel = panel_for(models, config, references, approved, tuple(wording.identity))
    return Judges(wording, models.clip, models.features, panel, tuple(references), tuple(approved))


@dataclass(frozen=True)
class Judges:
    """What the loop asks of the panel."""

    wording: Wording
    encoder: Encoder
    features: Features
    panel: Panel
    references: tuple[Picture, ...] = ()
    approved: tuple[Picture, ...] = ()

    @cached_property
    def identity(self) -> list[str]:
        """Names of the scorers that are ranked against decoys."""
        return self.panel.names("identity")

    @cached_property
    def held_out(self) -> str:
        """Name of the scorer that never selects; "" if there is none."""
        return next(iter(self.panel.names("held-out")), "")

    @cached_property
    def obedience(self) -> list[str]:
        """Names of the scorers that read what a shot asks for, the subject's traits apart."""
        return self.panel.names("check", "shot") + self.panel.names("caption", "shot")

    @cached_property
    def faults(self) -> list[str]:
        """Names of the checks of what no picture should have."""
        return self.panel.names("check", "picture")

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Scorer → fingerprint; measurements made under another one have expired."""
        return self.panel.fingerprints

    def measure(self, frames: Sequence[Frame], store: Store) -> dict[str, dict[str, Measurement]]:
        """Every scorer's answer, by frame id."""
        rows = self.panel.measure([self.picture(frame, store) for frame in frames])
        return {frame.job.id: row for frame, row in zip(frames, rows, strict=True)}

    def picture(self, frame: Frame, store: Store) -> Picture:
        """A frame, whole in a square, with what was asked; an exchanged decoy is asked for traits it should *not* show.

        Encoders take squares: they would cut a tall picture's head off; and the composition's boxes are squares'.
        """
        shot = frame.job.shot
        asked = {**self.wording.traits(shot), **self.wording.varying(shot)}
        return Picture(square(store.frame_image(frame)), frame.digest, shot.view_family, shot.framing, asked)

    def failures(self, values: Values, traits_at: float = 0.0) -> list[str]:
        """The checks that a frame fails, in words; traits fail below ``traits_at`` instead of 0."""
        return self._failing(_shifted(values, traits_at))

    def quality(self, values: Values) -> float:
        """Mean of what the quality scorers measured, or the least where one is below 0; 0.0 where none could tell."""
        measured = []
        for name in self.panel.names("quality"):
            if name in values and (value := values[name].value) is not None:
                measured.append(value)
        if measured and min(measured) < 0:
            return min(measured)
        return fmean(measured) if measured else 0.0

    def usable_decoy(self, frame: Frame, values: Values, traits_at: float = 0.0) -> bool:
        """Whether a decoy passed the candidates' checks; an exchanged one must not show the seed's traits."""
        others = {name: value for name, value in values.items() if name != TRAITS}
        shows = not _negative(_shifted(values, traits_at).get(TRAITS))
        return not self._failing(others) and shows == (frame.job.kind is not JobKind.EXCHANGED)

    def _failing(self, values: Values) -> list[str]:
        """The checks of the panel that fail, and that of a model that looked at a few frames only."""
        answer = values.get(PAIR_DEFECTS)
        named = [f"{PAIR_DEFECTS}: {answer.why}"] if answer is not None and _negative(answer) else []
        return [*self.panel.failing(values), *named]

    def looks(self, frame: Frame, store: Store) -> tuple[NDArray[np.float32], int]:
        """Unit vector of the whole picture, and its perceptual hash."""
        picture = self.picture(frame, store)
        return self.features.vectors(self.encoder, [picture])[0], difference_hash(picture.image)

    @cached_property
    def seed_looks(self) -> list[NDArray[np.float32]]:
        """Unit vectors of the seeds and of their crops, as `looks` gives them: what new frames should differ from."""
        return list(self.features.vectors(self.encoder, self.references)) if self.references else []


def _shifted(values: Values, traits_at: float) -> dict[str, Measurement]:
    """The answers with the margin of the traits counted from ``traits_at``."""
    traits = values.get(TRAITS)
    if traits is None or traits.value is None:
        return dict(values)
    return {**values, TRAITS: Measurement(traits.value - traits_at, traits.why)}


def _negative(answer: Measurement | None) -> bool:
    return answer is not None and answer.value is not None and answer.value < 0
