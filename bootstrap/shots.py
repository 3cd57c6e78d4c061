"""Which pictures are missing: quotas over view x framing, deficits, and the shots that fill them.

Pure and deterministic: the same counts give the same shots. Knows no model and no score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bootstrap.character import Character
from bootstrap.config import SubjectConfig, ViewsConfig
from bootstrap.records import Shot, random_seed_of

__all__ = ["Cell", "Planner", "apportion", "places", "quotas"]

AXES = ("expression", "pose", "outfit", "background", "style")
"""What varies besides view and framing, in the order in which a shot holds it."""
Cell = tuple[str, str]
"""A view family and a framing."""
NEVER = 1e-9
"""The share of a value that the others leave nothing of: it is drawn after all of them."""


def apportion(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """``total`` divided into whole numbers by ``shares``, largest remainders first, ties by order."""
    exact = {name: total * share / sum(shares.values()) for name, share in shares.items()}
    counts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def quotas(total: int, views: ViewsConfig) -> dict[Cell, int]:
    """How many pictures each view family x framing gets; families add up exactly, framings as nearly as can be."""
    families = apportion(total, {name: plan.share for name, plan in views.families.items()})
    left = dict(apportion(total, views.framings))
    cells: dict[Cell, int] = {}
    for view_family, count in sorted(families.items(), key=lambda item: item[1]):
        part = apportion(count, {name: max(value, 1e-6) for name, value in left.items()})
        for framing, number in part.items():
            cells[view_family, framing] = number
            left[framing] -= number
    return cells


def places(goal: int, target: int, views: ViewsConfig) -> dict[Cell, int]:
    """The first ``goal`` of the ``target`` places: nested, so that what an early goal fills counts at the end."""
    whole = quotas(max(goal, target), views)
    order = sorted(
        ((place + 0.5) / count, random_seed_of("place", *cell), cell)
        for cell, count in whole.items()
        for place in range(count)
    )
    taken = Counter(cell for _, _, cell in order[:goal])
    return {cell: taken[cell] for cell in whole}


@dataclass(frozen=True)
class Planner:
    """Plans shots for one character so that every axis is drawn evenly."""

    character: Character
    views: ViewsConfig
    subject: SubjectConfig

    def axis(self, name: str) -> tuple[str, ...]:
        """The values of an axis ("expressions", "poses", …), from the character or the subject's defaults."""
        return tuple(getattr(self.character, name)) or self.subject.defaults[name]

    def shares(self, axis: str) -> dict[str, float]:
        """The part of the set that each value of a shot's axis ("outfit", "pose" …) should get; they add up to 1."""
        match axis:
            case "outfit":
                return dict(self.character.outfit_shares())
            case "expression":
                return self._expression_shares()
            case "style":
                return self._style_shares()
        values = self.axis(f"{axis}s")
        return {value: 1 / len(values) for value in values}

    def plan(self, wanted: Mapping[Cell, int], drawn: Iterable[Shot]) -> list[Shot]:
        """``wanted`` shots a cell, each axis taking the value least drawn so far; ``take`` makes each new."""
        counts = _Counts(drawn)
        shots = []
        for (view_family, framing), number in wanted.items():
            for _ in range(number):
                shot = counts.numbered(self._next(view_family, framing, counts))
                counts.add(shot)
                shots.append(shot)
        return shots

    def probe(self, wanted: Mapping[Cell, int]) -> list[Shot]:
        """A fixed probe of ``wanted`` shots a cell; the words that the character must obey are asked for in turn."""
        shots, words = self.plan(wanted, []), self._words_to_obey()
        return [self._asking(shot, words[n % len(words)]) for n, shot in enumerate(shots)] if words else shots

    def _words_to_obey(self) -> list[str]:
        """The words of ``must_obey`` that are no view and no framing: those are all drawn anyhow."""
        views = [tags for plan in self.views.families.values() for tags in plan.views.values()]
        seen = {part for tags in views for part in tags.split(", ")} | self.views.framings.keys()
        return [word for word in self.character.must_obey if word not in seen]

    def _asking(self, shot: Shot, word: str) -> Shot:
        """The shot with the word on its axis; a word of no axis is where it takes place ("rain")."""
        if word in self.character.wardrobe:
            return shot.having({"outfit": word})
        axes = {"expression": "expressions", "pose": "poses", "style": "styles"}
        place = next((name for name, axis in axes.items() if word in self._known(axis)), "background")
        return shot.having({place: word})

    def _known(self, axis: str) -> frozenset[str]:
        return frozenset((*self.axis(axis), *self.subject.defaults[axis]))

    def _next(self, view_family: str, framing: str, counts: _Counts) -> Shot:
        """The shot whose every axis value was drawn least, relative to its share."""

        def least(axis: str, values: Sequence[str] = ()) -> str:
            shares = dict.fromkeys(values, 1.0) if values else self.shares(axis)
            shares = {value: max(share, NEVER) for value, share in shares.items()}
            return min(
                shares,
                key=lambda value: (
                    (counts.of(view_family, axis, value) + 1) / shares[value],
                    counts.of("", axis, value) / shares[value],
                    random_seed_of(view_family, framing, axis, value),
                ),
            )

        return Shot(
            view_family=view_family,
            framing=framing,
            view=least("view", tuple(self.views.families[view_family].views)),
            axes={axis: least(axis) for axis in AXES},
        )

    def _expression_shares(self) -> dict[str, float]:
        """Even shares, the neutral ones together at most ``most_neutral``."""
        values = self.axis("expressions")
        neutral = [value for value in values if value in self.subject.neutral]
        others = len(values) - len(neutral)
        together = min(self.subject.most_neutral, len(neutral) / len(values)) if others else 1.0
        return {value: together / len(neutral) if value in neutral else (1 - together) / others for value in values}

    def _style_shares(self) -> dict[str, float]:
        """The first style is the usual one and takes three quarters; the others share the rest."""
        first, *others = self.axis("styles")
        return {first: 0.75 if others else 1.0} | {value: 0.25 / len(others) for value in others}


class _Counts:
    """How often each value was drawn, overall (view_family "") and in each view family."""

    def __init__(self, drawn: Iterable[Shot]) -> None:
        self._values: Counter[tuple[str, str, str]] = Counter()
        self._keys: Counter[str] = Counter()
        for shot in drawn:
            self.add(shot)

    def add(self, shot: Shot) -> None:
        """Count one more."""
        self._keys[replace(shot, take=0).key] += 1
        for axis in ("view", *AXES):
            for view_family in ("", shot.view_family):
                self._values[view_family, axis, shot[axis]] += 1

    def of(self, view_family: str, axis: str, value: str) -> int:
        """Times the value was drawn."""
        return self._values[view_family, axis, value]

    def numbered(self, shot: Shot) -> Shot:
        """The shot with the first ``take`` that was not drawn yet."""
        return replace(shot, take=self._keys[shot.key])
