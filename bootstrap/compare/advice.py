"""What the pictures mean, in plain words: which weights to use, what the LoRA does well, what falls, what to add.

Every sentence holds the numbers that it rests on; the rules are constants of this file. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootstrap.compare.results import Comparison, Result, Shown, best_of
from bootstrap.compare.trial_shots import KNOWN, TESTS, Trials
from bootstrap.shots import Cell as Place

__all__ = ["Advice", "verdict_of"]

HOLDS = 0.5
"""Mean identity from which a part counts as held: about where the gate begins to let frames in."""
FALLS = 0.12
"""How far below the whole a part must lie to be named."""
AS_THE_BASE = 0.95
"""Share of the base's obedience that a LoRA should keep (the project's bar for control)."""
LOST = 0.25
"""How much less often than on the base's pictures a trait must be shown to be called lost."""
FULL, USABLE = 0.95, 0.75
"""Weights from which a LoRA works as it should, and acceptably (field practice C8)."""
KEEPS = 0.85
"""Share of its identity that it should keep beside another LoRA, or in what it was not taught."""
MORE = 0.5
"""Pictures to add to a weak place, as a share of what was planned there; at least two."""
MOST_NAMED = 4


@dataclass(frozen=True)
class Advice:
    """What to use and what to do. ``add`` is (view family, framing) → pictures to add; sentences end without a dot."""

    best: Result
    summary: str
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]
    add: Mapping[Place, int]
    advice: tuple[str, ...]


def verdict_of(found: Comparison, planned: Mapping[Place, int], kept: Mapping[Place, int]) -> Advice:
    """Judge a comparison; ``planned`` and ``kept`` count the pictures of the run's set by place."""
    best, base = best_of(found.grid), found.base
    said = [*_views(best), *_framings(best), *_traits(best, found), *_control(best, base),
            *_untaught(best, base, found.trials), *_beside(best, found.stacked)]  # fmt: skip
    if best.trial.faulty:
        said.append((False, f"{best.trial.faulty} of {len(best.shown)} pictures are faulty or copy a seed"))
    good, bad = (tuple(text for well, text in said if well is side) for side in (True, False))
    add = _to_add(best, planned)
    return Advice(best, _summary(best, found.grid), good, bad, add, tuple(_advice(best, add, planned, kept)))


Said = tuple[bool, str]
"""Whether it speaks for the LoRA, and the sentence."""


def _summary(best: Result, grid: Sequence[Result]) -> str:
    if not best.ranked:
        return f"use {best.cell.name}: this run has no decoys, so identity cannot be ranked and nothing else be chosen"
    told = f"identity {best.trial.identity:.2f}"
    way = _way(best.cell.weight, tried=any(one.cell.weight >= FULL for one in grid))
    return f"use {best.cell.name}: {told}, control {best.trial.control:.2f}; {way}"


def _way(weight: float, *, tried: bool) -> str:
    """How well it works, by the weight that is best (field practice C8)."""
    if not tried:
        return "full weight was not tried"
    if weight >= FULL:
        return "it works at full weight"
    if weight >= USABLE:
        return "that is acceptable; at full weight it is worse"
    return "it only works when it is turned down: too long a training, or too few pictures"


def _views(best: Result) -> list[Said]:
    """View families that hold, in one sentence, and each that falls."""
    parts = best.by(lambda one: one.frame.job.shot.view_family)
    held = {name: part.trial.identity for name, part in parts.items() if _held(part, best)}
    said = [(False, f"{name} falls: {_number(part, best)}") for name, part in parts.items() if _weak(part, best)]
    if best.ranked and best.trial.identity < HOLDS - FALLS:
        whole = f"identity {best.trial.identity:.2f} overall, from {HOLDS} on it holds"
        said.insert(0, (False, f"few of its pictures are more alike than the base's look-alikes: {whole}"))
    if held:
        said.append(
            (True, f"it holds from these views: {', '.join(f'{name} {one:.2f}' for name, one in held.items())}")
        )
    return said


def _framings(best: Result) -> list[Said]:
    parts = best.by(lambda one: one.frame.job.shot.framing)
    return [(False, f"as {name} it falls: {_number(part, best)}") for name, part in parts.items() if _weak(part, best)]


def _number(part: Result, whole: Result) -> str:
    return f"identity {part.trial.identity:.2f} on {len(part.shown)} pictures, {whole.trial.identity:.2f} overall"


def _held(part: Result, whole: Result) -> bool:
    return whole.ranked and part.trial.identity >= HOLDS


def _weak(part: Result, whole: Result) -> bool:
    """Below what holds, and clearly below the whole or, where the whole holds, far below what holds."""
    below = whole.trial.identity - FALLS
    if whole.trial.identity >= HOLDS:
        below = max(below, HOLDS - FALLS)
    return whole.ranked and part.trial.identity < min(below, HOLDS)


def _traits(best: Result, found: Comparison) -> list[Said]:
    """What the base shows by its words and the LoRA does not, or not as often."""
    said: list[Said] = []
    theirs = found.base.rates()
    for axis, (right, told) in best.rates().items():
        if axis in found.readable and right / told < theirs[axis][0] / theirs[axis][1] - LOST:
            lost = f"the {axis.replace('_', ' ')} gets lost: shown on {right} of {told}"
            said.append((False, f"{lost}, the base by words on {theirs[axis][0]} of {theirs[axis][1]}"))
    return said[:MOST_NAMED]


def _control(best: Result, base: Result) -> list[Said]:
    mine, theirs = best.trial.control, base.trial.control
    if not theirs:
        return []
    obeys = mine >= AS_THE_BASE * theirs
    way = "it obeys as well as the base" if obeys else "it obeys less than the base"
    return [(obeys, f"{way}: {mine:.2f} of what was asked is seen, {theirs:.2f} without it")]


def _untaught(best: Result, base: Result, trials: Trials) -> list[Said]:
    """Whether it is still the character where it was never taught."""
    parts, of_base = best.by(_test), base.by(_test)
    if KNOWN not in parts or not best.ranked:
        return []
    taught, found = parts[KNOWN].trial.identity, []
    for test in TESTS[1:]:
        if test not in parts:
            continue
        there = parts[test].trial
        holds = there.identity >= KEEPS * taught and there.control >= KEEPS * of_base[test].trial.control
        way = "takes" if holds else "loses itself in"
        number = f"identity {there.identity:.2f} against {taught:.2f} as taught, control {there.control:.2f}"
        found.append((holds, f"it {way} {trials.asks(test)}: {number}"))
    return found


def _beside(best: Result, stacked: Sequence[Result]) -> list[Said]:
    """What other LoRAs do to it."""
    found: list[Said] = []
    for one in stacked:
        others = " and ".join(f"{other.name} at {other.weight:g}" for other in one.cell.companions)
        if not best.ranked:
            continue
        before, after = best.trial.identity, one.trial.identity
        holds = after >= KEEPS * before
        way = "stays itself beside" if holds else "is overridden by"
        number = f"identity {after:.2f} against {before:.2f} alone, control {one.trial.control:.2f}"
        found.append((holds, f"it {way} {others}: {number}"))
    return found


def _to_add(best: Result, planned: Mapping[Place, int]) -> dict[Place, int]:
    """Pictures for the places of the views that fall, the weakest framings first."""
    weak = [name for name, part in best.by(lambda one: one.frame.job.shot.view_family).items() if _weak(part, best)]
    found: dict[Place, int] = {}
    for view_family in weak:
        places = {place: count for place, count in planned.items() if place[0] == view_family and count}
        wanted = max(2, math.ceil(MORE * sum(places.values())))
        order = sorted(places, key=lambda place: _identity_of(best, place))
        for place in order[:2]:
            found[place] = math.ceil(wanted / min(2, len(order)))
    return found


def _identity_of(best: Result, place: Place) -> float:
    part = best.of(lambda one: (one.frame.job.shot.view_family, one.frame.job.shot.framing) == place)
    return part.trial.identity if part else 1.0


def _advice(
    best: Result, add: Mapping[Place, int], planned: Mapping[Place, int], kept: Mapping[Place, int]
) -> list[str]:
    """What a person can do about it."""
    said = [
        f"add {number} {' '.join(place)}: the set holds {kept.get(place, 0)} of {planned.get(place, 0)}"
        for place, number in add.items()
    ]
    if best.ranked and best.trial.identity < HOLDS - FALLS:
        said.append("look through the set in `bootstrap review` and reject who is somebody else")
        said.append("or begin again with more seeds: a second picture from the side or from behind tells most")
    if add:
        said.append("approve them in `bootstrap review`, or begin again with a seed of that view")
    if not best.ranked:
        said.append("draw look-alikes (loop.lookalikes above 0): without them nobody can say what a score is worth")
    return said


def _test(one: Shown) -> str:
    return one.test
