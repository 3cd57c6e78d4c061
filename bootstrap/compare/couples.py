"""Several subjects in one picture: which part shows whom, whether everyone is there, and whose traits are read on whom.

Each part of a picture is held against every member's seeds; the parts are given to the members so that all together are
most alike. Pure but for the panel: pictures come in.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from PIL import Image

from bootstrap.compare.likeness_matrix import Cohort, TraitReader
from bootstrap.pictures import square
from bootstrap.pictures.collages import parts_of
from bootstrap.records import Frame
from bootstrap.store.store import Store
from scoring.calibrate import empirical_p
from scoring.measurement import Picture, digest_of

__all__ = ["JointJudges", "LookAlikes", "Present"]


@dataclass(frozen=True, slots=True)
class Present:
    """Who is where in one picture: ``placed`` maps a trigger to its part's likeness to it, ``best`` to whether no other
    member is more alike to that part. ``parts`` maps a trigger to the place of its part, from the left, ``families``
    to the view family that was asked of it, "" unknown."""

    placed: Mapping[str, float]
    best: Mapping[str, bool]
    parts: Mapping[str, int]
    families: Mapping[str, str]

    @property
    def weakest(self) -> float:
        """The least likeness of all."""
        return min(self.placed.values(), default=float("-inf"))

    @property
    def apart(self) -> bool:
        """Whether nobody is taken for another."""
        return bool(self.placed) and all(self.best.values())


@dataclass(frozen=True)
class LookAlikes:
    """Pictures of others, drawn in the same way: what a likeness must be above. ``present`` is who is in each.

    Likenesses are compared over the mean of their view family: from the side everybody is less alike.
    """

    present: Sequence[Present]

    def p(self, one: Present) -> float:
        """The p-value of a picture: that of its least sure member among the look-alikes of that member."""
        if not one.apart:
            return 1.0
        return max(empirical_p(self._over(one, name), np.asarray(self._null(name))) for name in one.placed)

    def everyone(self, one: Present, passing: float) -> bool:
        """Whether every member is there: on a part of its own, more alike than all but the share ``passing``."""
        if not one.apart:
            return False
        return all(self._over(one, name) >= np.quantile(self._null(name), 1 - passing) for name in one.placed)

    def _over(self, one: Present, trigger: str) -> float:
        """A member's likeness over the mean of look-alikes in its view family."""
        return one.placed[trigger] - self._mean(trigger, one.families.get(trigger, ""), None)

    def _null(self, trigger: str) -> list[float]:
        """The same of the look-alikes, each over the mean of the others."""
        found = []
        for one in self.present:
            if trigger in one.placed:
                found.append(one.placed[trigger] - self._mean(trigger, one.families.get(trigger, ""), one))
        return found or [float("inf")]

    def _mean(self, trigger: str, family: str, without: Present | None) -> float:
        """Mean likeness of look-alikes in a view family, of all families where it has fewer than two."""
        others = [one for one in self.present if one is not without and trigger in one.placed]
        same = [one.placed[trigger] for one in others if one.families.get(trigger, "") == family]
        values = same if len(same) > 1 else [one.placed[trigger] for one in others]
        return fmean(values) if values else 0.0


class JointJudges:
    """What looks at pictures of several, by the panel before each member's seeds."""

    def __init__(self, cohort: Cohort, reader: TraitReader, store: Store) -> None:
        self._cohort, self._reader, self._store = cohort, reader, store
        self._judges = cohort.judges

    def present(self, frames: Sequence[Frame]) -> list[Present]:
        """Who is in each picture, and where."""
        count, parts = len(self._judges), []
        for frame in frames:
            parts += self._parts(frame)
        alike = self._cohort.likenesses(parts)
        found = []
        for number in range(len(frames)):
            here = slice(number * count, (number + 1) * count)
            families = [picture.view_family for picture in parts[here]]
            found.append(_assigned(alike[here], families, list(self._judges)))
        return found

    def read(self, frames: Sequence[Frame], present: Sequence[Present]) -> tuple[int, int]:
        """Traits of others that are read on the parts of the members, and traits that were read."""
        bled, read = 0, 0
        by_member: dict[str, list[Picture]] = {trigger: [] for trigger in self._judges}
        for frame, one in zip(frames, present, strict=True):
            parts = self._parts(frame)
            for trigger, place in one.parts.items():
                by_member[trigger].append(parts[place])
        for trigger, other in itertools.permutations(by_member, 2):
            traits = self._reader.traits(trigger, other, by_member[trigger])
            bled, read = bled + traits.shown, read + traits.read
        return bled, read

    def _parts(self, frame: Frame) -> list[Picture]:
        """The parts of a picture as the panel takes them, each in the view that was asked of it."""
        views = frame.job.shot.axes
        found = []
        for place, image in enumerate(parts_of(self._store.frame_image(frame), len(self._judges))):
            whole: Image.Image = square(image)
            family = views.get(f"view {place}", "")
            found.append(Picture(whole, digest_of(whole), family, frame.job.shot.framing if family else ""))
        return found


def _assigned(alike: Sequence[Mapping[str, float]], families: Sequence[str], triggers: Sequence[str]) -> Present:
    """The parts given to the members so that all together are most alike."""
    if not all(alike):
        return Present({}, {}, {}, {})
    best = max(
        itertools.permutations(range(len(alike))),
        key=lambda order: fmean(alike[place][name] for place, name in zip(order, triggers, strict=True)),
    )
    placed, whose, parts = {}, {}, {}
    for place, name in zip(best, triggers, strict=True):
        placed[name] = alike[place][name]
        whose[name] = max(alike[place], key=lambda other: alike[place][other]) == name
        parts[name] = place
    return Present(placed, whose, parts, {name: families[place] for name, place in parts.items()})
