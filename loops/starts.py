"""Which candidates begin from a good picture in place of noise, and what their decoys begin from.

A variation keeps composition and colours of what it begins from: seeds, and frames that a person approved, of the
shot's own view family and framing. Any such picture would lend its likeness, so the decoys begin, as strongly, from
pictures of other individuals: usable decoys of the same place. Where there is none of these, nothing begins from a
picture. Pure: the same shot and pictures give the same start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bootstrap.backends.variation_settings import VariationSettings
from bootstrap.records import Frame, Job, JobKind, Reference, Seed, Shot, random_seed_of

__all__ = ["Begin", "Starts", "starts_of"]

BY_SHARE = "by base.variations.share"
NO_OWN = "without a seed or an approved picture of their view and framing"
NO_OTHER = "without a usable decoy of their view and framing"


@dataclass(frozen=True, slots=True)
class Begin:
    """A picture that drawing may begin from, and what it shows."""

    path: str
    sha256: str
    view_family: str
    view: str
    framing: str
    axes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_seed(cls, seed: Seed) -> Begin:
        """A seed, by its caption."""
        axes = {**seed.shown, "outfit": seed.outfit}
        return cls(seed.path, seed.sha256, seed.view_family, seed.view, seed.framing, axes)

    @classmethod
    def of_frame(cls, frame: Frame) -> Begin:
        """A frame, by its shot."""
        shot = frame.job.shot
        return cls(frame.path, frame.digest, shot.view_family, shot.view, shot.framing, shot.axes)

    def likeness(self, shot: Shot) -> int:
        """In how much it shows what the shot asks for."""
        return (self.view == shot.view) + sum(self.axes.get(axis) == value for axis, value in shot.axes.items())


@dataclass(frozen=True)
class Starts:
    """What the drawings of a wave may begin from: the character's ``own`` pictures, and those of ``others``."""

    settings: VariationSettings
    own: Sequence[Begin] = ()
    others: Sequence[Begin] = ()

    def candidate(self, shot: Shot) -> Reference | None:
        """What a candidate begins from; None where it begins from noise."""
        chosen = random_seed_of(shot.key, "begins") % 1000 < 1000 * self.settings.share
        if not chosen or self.stranger(shot) is None:
            return None
        return self._nearest(self.own, shot)

    def stranger(self, shot: Shot) -> Reference | None:
        """What its decoy begins from."""
        return self._nearest(self.others, shot)

    def told(self, candidates: Sequence[Job]) -> str:
        """How many of these candidates begin from a picture, and why no more of them do."""
        reasons = Counter(self._reason(job.shot) for job in candidates if job.start is None)
        told = (
            f"{sum(job.start is not None for job in candidates)} of {len(candidates)} candidates begin from a picture"
        )
        named = [f"{reasons[reason]} {reason}" for reason in (BY_SHARE, NO_OWN, NO_OTHER) if reasons[reason]]
        return f"{told}; from noise: {', '.join(named)}" if named else told

    def _reason(self, shot: Shot) -> str:
        """Why a shot begins from noise."""
        if not self._nearest(self.own, shot):
            return NO_OWN
        return BY_SHARE if self.stranger(shot) else NO_OTHER

    def _nearest(self, pictures: Iterable[Begin], shot: Shot) -> Reference | None:
        """Of the pictures of a shot's place one of those that show the most of it; which one depends on the shot."""
        place = [one for one in pictures if (one.view_family, one.framing) == (shot.view_family, shot.framing)]
        if not place:
            return None
        best = max(place, key=lambda one: (one.likeness(shot), random_seed_of(shot.key, one.sha256)))
        return Reference(best.path, best.sha256, self.settings.strength)


def starts_of(
    settings: VariationSettings | None,
    seeds: Sequence[Seed],
    approved: Sequence[Frame],
    usable: Mapping[JobKind, Sequence[Frame]],
) -> Starts | None:
    """What the drawings of a wave may begin from; None where all of them begin from noise.

    ``approved`` are the frames that a person wants kept, ``usable`` the decoys that passed the candidates' checks.
    """
    if settings is None:
        return None
    own = [Begin.of_seed(seed) for seed in seeds if seed.anchor]
    strangers = [frame for frame in usable[JobKind.STRANGER] if frame.job.start is None]
    others = [*usable[JobKind.LOOKALIKE], *strangers]
    return Starts(settings, [*own, *map(Begin.of_frame, approved)], list(map(Begin.of_frame, others)))
