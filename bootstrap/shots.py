"""Which pictures are missing: quotas over view x framing, deficits, and the shots that fill them.

What varies besides view and framing is data of the subject kind. Pure and deterministic: the same counts give the same
shots. Knows no model and no score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bootstrap.character import Character
from bootstrap.config import SubjectConfig, ViewsConfig
from bootstrap.records import Seed, Shot, random_seed_of

__all__ = ["Cell", "Planner", "apportion", "places", "quotas"]

Cell = tuple[str, str]
"""A view family and a framing."""
NEVER = 1e-9
"""The share of a value that the others leave nothing of: it is drawn after all of them."""
FIRST = 0.75
"""The share of the first value where the first is the usual one."""


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
    """The first ``goal`` of the ``target`` places: nested, so that what an early goal fills counts at the end.

    A place for each view family comes first, then one for each further view of it: a small goal has every side.
    """
    whole = quotas(max(goal, target), views)
    order = []
    for cell, count in whole.items():
        for place in range(count):
            order.append(((place + 0.5) / count, random_seed_of("place", *cell), cell))
    taken = Counter(_every_side_first([cell for _, _, cell in sorted(order)], views)[:goal])
    return {cell: taken[cell] for cell in whole}


def _every_side_first(order: Sequence[Cell], views: ViewsConfig) -> list[Cell]:
    """The same places in another order: one of each view family, one for each further view of it, then the others."""
    seen, turns = Counter[str](), []
    last = 1 + max(len(plan.views) for plan in views.families.values())
    for cell in order:
        seen[cell[0]] += 1
        number = seen[cell[0]]
        turns.append((number if number <= len(views.families[cell[0]].views) else last, cell))
    return [cell for _, cell in sorted(turns, key=lambda turn: turn[0])]


@dataclass(frozen=True)
class Planner:
    """Plans shots for one character so that every axis of its subject kind is drawn evenly."""

    character: Character
    views: ViewsConfig
    subject: SubjectConfig
    seeds: Sequence[Seed] = ()

    def values(self, axis: str) -> tuple[str, ...]:
        """The values of an axis ("expression", "outfit" …): of the character, else the axis' defaults, else the seeds'.

        None where nobody says any: then shots and their words leave the axis out.
        """
        config = self.subject.axes[axis]
        return self.character.values(config.words, axis) or config.defaults or self._seen(axis)

    def shares(self, axis: str) -> dict[str, float]:
        """The part of the set that each value of an axis should get; they add up to 1. Empty where it has none."""
        sharing = {
            "even": self._even,
            "stated": self._stated,
            "first": self._first,
            "neutral": self._neutral,
        }
        values = self.values(axis)
        return sharing[self.subject.axes[axis].sharing](values) if values else {}

    def _seen(self, axis: str) -> tuple[str, ...]:
        """The values of an axis that the seeds show, the commonest first."""
        found = Counter(seed.shown.get(axis, "") for seed in self.seeds)
        return tuple(value for value, _ in found.most_common() if value)

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
        if not words:
            return shots
        return [self._with_word(shot, words[number % len(words)]) for number, shot in enumerate(shots)]

    def _words_to_obey(self) -> list[str]:
        """The words of ``must_obey`` that are no view and no framing: those are all drawn anyhow."""
        always = set(self.views.framings)
        for tags in self.views.phrases:
            always.update(tags.split(", "))
        words = [word for word in self.character.must_obey if word not in always]
        return [word for word in words if self._axis_of(word)]

    def _with_word(self, shot: Shot, word: str) -> Shot:
        """The shot with the word on its axis."""
        return shot.having({self._axis_of(word): word})

    def _axis_of(self, word: str) -> str:
        """The axis that a word is a value of, outfits first; a word of no axis is on the axis for other words."""
        outfit = self.subject.outfit_axis
        if outfit and word in self.values(outfit):
            return outfit
        for axis in self.subject.scene_axes:
            if axis != self.subject.other_words and word in (*self.values(axis), *self.subject.axes[axis].defaults):
                return axis
        return self.subject.other_words

    def _next(self, view_family: str, framing: str, counts: _Counts) -> Shot:
        """The shot whose every axis value was drawn least, relative to its share."""
        views = dict.fromkeys(self.views.families[view_family].views, 1.0)
        axes = {}
        for axis in self.subject.axes:
            if self.values(axis):
                axes[axis] = counts.least(view_family, framing, axis, self.shares(axis))
        view = counts.least(view_family, framing, "view", views)
        return Shot(view_family=view_family, framing=framing, view=view, axes=axes)

    def _even(self, values: Sequence[str]) -> dict[str, float]:
        return {value: 1 / len(values) for value in values}

    def _stated(self, values: Sequence[str]) -> dict[str, float]:
        shares = self.character.outfit_shares()
        return {value: shares[value] for value in values}

    def _first(self, values: Sequence[str]) -> dict[str, float]:
        """The first value is the usual one and takes three quarters; the others share the rest."""
        first, *others = values
        if not others:
            return {first: 1.0}
        return {first: FIRST} | {value: (1 - FIRST) / len(others) for value in others}

    def _neutral(self, values: Sequence[str]) -> dict[str, float]:
        """Even shares, the neutral ones together at most ``most_neutral``."""
        neutral = [value for value in values if value in self.subject.neutral]
        others = len(values) - len(neutral)
        together = min(self.subject.most_neutral, len(neutral) / len(values)) if others else 1.0
        shares = {}
        for value in values:
            shares[value] = together / len(neutral) if value in neutral else (1 - together) / others
        return shares


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
        for axis in ("view", *shot.axes):
            for view_family in ("", shot.view_family):
                self._values[view_family, axis, shot[axis]] += 1

    def least(self, view_family: str, framing: str, axis: str, shares: Mapping[str, float]) -> str:
        """The value of an axis that was drawn least for its share: in the view family, then in all, then by chance."""

        def drawn(value: str) -> tuple[float, float, int]:
            share = max(shares[value], NEVER)
            here, everywhere = self._values[view_family, axis, value], self._values["", axis, value]
            return (here + 1) / share, everywhere / share, random_seed_of(view_family, framing, axis, value)

        return min(shares, key=drawn)

    def numbered(self, shot: Shot) -> Shot:
        """The shot with the first ``take`` that was not drawn yet."""
        return replace(shot, take=self._keys[shot.key])
