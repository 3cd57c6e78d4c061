"""Which references a picture is drawn from: seeds for candidates, portraits of other individuals for decoys.

Pure: the same shot gives the same references. Knows no store and no picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bootstrap.backends.outside.drawer_settings import ShownSettings
from bootstrap.records import Reference, Seed, Shot, random_seed_of

__all__ = ["Shown"]


@dataclass(frozen=True)
class Shown:
    """The references of a run: its seeds, and what stands in their place for decoys.

    ``strengths`` are those of view families that heed references otherwise than the settings say.
    """

    settings: ShownSettings
    seeds: Sequence[Seed]
    portraits: Sequence[Reference]
    strengths: Mapping[str, float] = field(default_factory=dict)

    def candidate(self, shot: Shot) -> tuple[Reference, ...]:
        """The seeds that a candidate is drawn from, of those that anchor: those of its own view family first."""
        return tuple(replace(one, strength=self.strength(shot)) for one in self.nearest(shot.view_family))

    def nearest(self, view_family: str) -> tuple[Reference, ...]:
        """The same for a view family, with the strength that the settings say."""
        anchors = [seed for seed in self.seeds if seed.anchor]
        nearest = sorted(anchors, key=lambda seed: seed.view_family != view_family)
        strength = self.settings.strength
        return tuple(Reference(seed.path, seed.sha256, strength) for seed in nearest[: self.settings.most])

    def stranger(self, shot: Shot) -> tuple[Reference, ...]:
        """The portrait that a decoy is drawn from; which one depends on the shot alone."""
        portrait = self.portraits[random_seed_of(shot.key, "portrait") % len(self.portraits)]
        return (replace(portrait, strength=self.strength(shot)),)

    def strength(self, shot: Shot) -> float:
        """How strongly the references of a shot are heeded: as its view family, or as the settings say."""
        return self.strengths.get(shot.view_family, self.settings.strength)
