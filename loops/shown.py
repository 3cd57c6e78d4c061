"""Which references a picture is drawn from: seeds for candidates, portraits of other individuals for decoys.

Pure: the same shot gives the same references. Knows no store and no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.records import Reference, Seed, Shot, random_seed_of

__all__ = ["Shown"]


@dataclass(frozen=True)
class Shown:
    """The references of a run: its seeds, and what stands in their place for decoys."""

    settings: ReferenceSettings
    seeds: Sequence[Seed]
    portraits: Sequence[Reference]

    def candidate(self, shot: Shot) -> tuple[Reference, ...]:
        """The seeds that a candidate is drawn from: those of its own view family first."""
        nearest = sorted(self.seeds, key=lambda seed: seed.view_family != shot.view_family)
        strength = self.settings.strength
        return tuple(Reference(seed.path, seed.sha256, strength) for seed in nearest[: self.settings.most])

    def stranger(self, shot: Shot) -> tuple[Reference, ...]:
        """The portrait that a decoy is drawn from; which one depends on the shot alone."""
        return (self.portraits[random_seed_of(shot.key, "portrait") % len(self.portraits)],)
