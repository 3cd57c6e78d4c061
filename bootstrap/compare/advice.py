"""What the results mean, in words: which weights to use, where the LoRA is strong, where it is weak, what to add.

Every sentence holds the numbers that it rests on; the rules are constants of this file and of
`bootstrap.report.acceptance_numbers`. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootstrap.compare.bleed import bleeding
from bootstrap.compare.results import KEEPS, Comparison, Result
from bootstrap.compare.trial_shots import KNOWN, NEVER_WORN, UNSEEN_OUTFIT, TrialShots
from bootstrap.report.acceptance_numbers import AS_THE_BASE, BELOW_GATE, FALLS, FULL, HOLDS, USABLE, lacking
from bootstrap.shots import Cell as Place

__all__ = ["Advice", "advice_on"]

LOST = 0.25
"""How much less often than on the base's pictures a trait must be shown to be called lost."""
MORE = 0.5
"""Pictures to add to a weak place, as a share of what was planned there; at least two."""
MOST_NAMED = 4
OVERFITTED = (
    "it cannot leave what it was trained on: take an earlier checkpoint (`bootstrap compare` has them), or vary the "
    "poses and clothes of its set"
)
OVERRIDDEN = "keep this LoRA at its weight beside one that overrides it, and use the other at 0.8 or 0.6"
"""LOG "Style LoRAs beside a character": raised to 1.3 or lowered to .8 less of the character is left."""

NO_PAIR = "beside that LoRA use the lower weight where the character matters more, and the higher where the other does"


@dataclass(frozen=True)
class Advice:
    """What to use and what to do; sentences end without a full stop.

    ``add`` is (view family, framing) → pictures to add; ``steps`` say what a person can do.
    """

    best: Result
    summary: str
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]
    add: Mapping[Place, int]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, whether it names a strength or a weakness of the LoRA, and what a person can do; "": nothing."""

    strength: bool
    text: str
    step: str = ""


def advice_on(comparison: Comparison, planned: Mapping[Place, int], kept: Mapping[Place, int]) -> Advice:
    """Judge a comparison; ``planned`` and ``kept`` count the pictures of the run's set by place."""
    best, base = comparison.best, comparison.base
    must_obey = comparison.trials.character.must_obey
    remarks = [
        *_views(best),
        *_framings(best),
        *_traits(best, comparison),
        *_control(best, base),
        *_unseen_things(best, base, comparison.trials),
        *_bleed(best, base, comparison.trials),
        *_pairs(comparison),
        *_beside(best, comparison.stacked_as_given),
        *_elsewhere(best, comparison.elsewhere),
        *_words(best, base, must_obey),
    ]
    if best.trial.faulty:
        remarks.append(Remark(False, f"{best.trial.faulty} of {len(best.pictures)} pictures are faulty or copy a seed"))
    strengths = tuple(remark.text for remark in remarks if remark.strength)
    weaknesses = tuple(remark.text for remark in remarks if not remark.strength)
    add = _to_add(best, planned)
    steps = _steps(best, add, planned, kept)
    steps += dict.fromkeys(remark.step for remark in remarks if remark.step)
    steps += _unjudged(best, base, must_obey)
    return Advice(best, _summary(best, base, comparison.grid), strengths, weaknesses, add, tuple(steps))


def _summary(best: Result, base: Result, grid: Sequence[Result]) -> str:
    if not best.ranked:
        reason = "this run has no decoys, so identity cannot be ranked and no other weights can be chosen"
        return f"use {best.cell.name}: {reason}"
    full_was_tried = any(one.cell.weight >= FULL for one in grid)
    numbers = f"identity {best.trial.identity:.2f}, control {best.trial.control:.2f}"
    return f"use {best.cell.name}: {numbers}; {_quality(best, base, full_was_tried=full_was_tried)}"


def _quality(best: Result, base: Result, *, full_was_tried: bool) -> str:
    """How well the LoRA works, judged by its numbers and by the weight that is best."""
    weight = best.cell.weight
    if lacks := lacking(best.trial.identity, best.trial.control, base.trial.control):
        which = "full weight" if weight >= FULL else "that"
        untried = "" if full_was_tried else ", without full weight"
        return f"{which} is the best of what was tried{untried}, but by the scorers of the run {lacks}"
    if not full_was_tried:
        return "full weight was not tried"
    if weight >= FULL:
        return "by the scorers of the run it works at full weight"
    if weight >= USABLE:
        return "that is acceptable; at full weight it is worse"
    return "it only works when it is turned down: too long a training, or too few pictures"


def _views(best: Result) -> list[Remark]:
    """View families that hold, in one sentence, and each that falls."""
    remarks = []
    if best.ranked and best.trial.identity < HOLDS - FALLS:
        whole = f"identity {best.trial.identity:.2f} overall is {BELOW_GATE}"
        text = f"few of its pictures are more alike than the base's look-alikes: {whole}"
        remarks.append(Remark(False, text))
    held = []
    for name, part in best.by_view_family().items():
        if _falls(part, best):
            remarks.append(Remark(False, f"{name} falls: {_identity_of(part, best)}"))
        if part.ranked and part.trial.identity >= HOLDS:
            held.append(f"{name} {part.trial.identity:.2f}")
    if held:
        remarks.append(Remark(True, f"it holds from these views: {', '.join(held)}"))
    return remarks


def _framings(best: Result) -> list[Remark]:
    """Each framing that falls."""
    remarks = []
    for name, part in best.by(lambda picture: picture.frame.job.shot.framing).items():
        if _falls(part, best):
            remarks.append(Remark(False, f"as {name} it falls: {_identity_of(part, best)}"))
    return remarks


def _identity_of(part: Result, whole: Result) -> str:
    number = len(part.pictures)
    return f"identity {part.trial.identity:.2f} on {number} pictures, {whole.trial.identity:.2f} overall"


def _falls(part: Result, whole: Result) -> bool:
    """Whether a part is below what holds, and clearly below the whole.

    Where the whole itself holds, far below what holds is enough.
    """
    below = whole.trial.identity - FALLS
    if whole.trial.identity >= HOLDS:
        below = max(below, HOLDS - FALLS)
    return whole.ranked and part.trial.identity < min(below, HOLDS)


def _traits(best: Result, comparison: Comparison) -> list[Remark]:
    """Traits that the base shows from words alone and the LoRA does not, or not as often."""
    remarks: list[Remark] = []
    base_rates = comparison.base.rates()
    for axis, (right, read) in best.rates().items():
        if axis not in comparison.readable:
            continue
        base_right, base_read = base_rates[axis]
        if right / read < base_right / base_read - LOST:
            lost = f"the {axis.replace('_', ' ')} gets lost: shown on {right} of {read}"
            remarks.append(Remark(False, f"{lost}, by the base from words on {base_right} of {base_read}"))
    return remarks[:MOST_NAMED]


def _control(best: Result, base: Result) -> list[Remark]:
    """Whether it obeys as well as the base."""
    control, base_control = best.trial.control, base.trial.control
    if not base_control:
        return []
    obeys = control >= AS_THE_BASE * base_control
    comparison = "it obeys as well as the base" if obeys else "it obeys less than the base"
    text = f"{comparison}: {control:.2f} of what was asked for is seen, {base_control:.2f} without it"
    return [Remark(obeys, text)]


def _unseen_things(best: Result, base: Result, trials: TrialShots) -> list[Remark]:
    """Whether it stays the character in a pose and in clothes that it was not trained on."""
    parts, base_parts = best.by_test(), base.by_test()
    if KNOWN not in parts or not best.ranked:
        return []
    trained = parts[KNOWN].trial.identity
    remarks = []
    for test in trials.order[1:]:
        if test in parts:
            trial = parts[test].trial
            where = trials.test_in_words(test)
            numbers = f"identity {trial.identity:.2f} against {trained:.2f} as trained, control {trial.control:.2f}"
            if trial.identity < KEEPS * trained:
                remark = Remark(False, f"it loses its identity in {where}: {numbers}", OVERFITTED)
            elif trial.control < KEEPS * base_parts[test].trial.control:
                remark = Remark(False, f"it obeys less than the base in {where}: {numbers}", OVERFITTED)
            else:
                remark = _kept(trial.identity, f"it keeps its identity in {where}", f"in {where}", numbers)
            remarks.append(remark)
    return remarks


def _kept(identity: float, praise: str, where: str, numbers: str) -> Remark:
    """The remark on an identity that hardly falls: a strength only where it is not below the gate."""
    if identity >= HOLDS:
        return Remark(True, f"{praise}: {numbers}")
    return Remark(False, f"its identity hardly falls {where}, but is {BELOW_GATE}: {numbers}")


def _bleed(best: Result, base: Result, trials: TrialShots) -> list[Remark]:
    """Whether clothes of one outfit turn up where another is asked for."""
    unseen = {NEVER_WORN: trials.test_in_words(UNSEEN_OUTFIT)}
    return [Remark(not one.found, one.text) for one in bleeding(best.worn, base.worn, unseen)]


def _pairs(comparison: Comparison) -> list[Remark]:
    """The weights at which it stands beside each other LoRA whose weight was searched."""
    if not comparison.best.ranked:
        return []
    remarks = []
    for one in comparison.pairs:
        remarks.append(Remark(one.best.keeps_both, one.text, "" if one.best.keeps_both else NO_PAIR))
    return remarks


def _beside(best: Result, stacked: Sequence[Result]) -> list[Remark]:
    """The effect of other LoRAs on it."""
    if not best.ranked:
        return []
    remarks = []
    for one in stacked:
        alone = best.on_shots_of(one).trial.identity
        others = " and ".join(f"{other.name} at {other.weight:g}" for other in one.cell.companions)
        together = one.trial.identity
        numbers = f"identity {together:.2f} against {alone:.2f} alone, control {one.trial.control:.2f}"
        if together < KEEPS * alone:
            remarks.append(Remark(False, f"it is overridden by {others}: {numbers}", OVERRIDDEN))
        else:
            remarks.append(_kept(together, f"it keeps its identity beside {others}", f"beside {others}", numbers))
    return remarks


def _elsewhere(best: Result, elsewhere: Sequence[tuple[Result, Result]]) -> list[Remark]:
    """Whether it is the character on other checkpoints, and obeys there as well as they do."""
    remarks = []
    for alone, used in elsewhere if best.ranked else ():
        identity, control = used.trial.identity, used.trial.control
        here = best.on_shots_of(used).trial.identity
        numbers = f"identity {identity:.2f} against {here:.2f} on the base that it was trained on"
        numbers += f", control {control:.2f} against {alone.trial.control:.2f} without it"
        if identity >= KEEPS * here and control >= KEEPS * alone.trial.control:
            remarks.append(_kept(identity, f"it works on {used.base}", f"on {used.base}", numbers))
        else:
            remarks.append(Remark(False, f"it works less well on {used.base}: {numbers}"))
    return remarks


def _words(best: Result, base: Result, words: Sequence[str]) -> list[Remark]:
    """Whether each word that must be obeyed is seen as often as on the base's pictures, as far as it can be read."""
    remarks = []
    for word in words:
        right, read = best.showing(word)
        base_right, base_read = base.showing(word)
        if not read or not base_right:
            continue
        obeys = right / read >= KEEPS * base_right / base_read
        verb = "is obeyed" if obeys else "is not obeyed as by the base"
        text = f'"{word}" {verb}: seen on {right} of {read}, by the base on {base_right} of {base_read}'
        remarks.append(Remark(obeys, text))
    return remarks


def _unjudged(best: Result, base: Result, words: Sequence[str]) -> list[str]:
    """A step for each word that must be obeyed and of which nothing can be said."""
    steps = []
    for word in words:
        read, (base_right, base_read) = best.showing(word)[1], base.showing(word)
        if not read or not base_read:
            steps.append(f'look yourself whether "{word}" is obeyed: the panel could read it on no picture')
        elif not base_right:
            steps.append(f'look yourself whether "{word}" is obeyed: it is seen on 0 of {base_read} of the base alone')
    return steps


def _to_add(best: Result, planned: Mapping[Place, int]) -> dict[Place, int]:
    """Pictures for the places of the views that fall, the weakest framings first."""
    found: dict[Place, int] = {}
    for view_family, part in best.by_view_family().items():
        if not _falls(part, best):
            continue
        places = {place: count for place, count in planned.items() if place[0] == view_family and count}
        wanted = max(2, math.ceil(MORE * sum(places.values())))
        weakest = sorted(places, key=lambda place: _identity_at(best, place))
        for place in weakest[:2]:
            found[place] = math.ceil(wanted / min(2, len(weakest)))
    return found


def _identity_at(best: Result, place: Place) -> float:
    """Mean identity at a place; 1 where no picture was drawn."""
    part = best.of(lambda picture: (picture.view_family, picture.frame.job.shot.framing) == place)
    return part.trial.identity if part else 1.0


def _steps(
    best: Result, add: Mapping[Place, int], planned: Mapping[Place, int], kept: Mapping[Place, int]
) -> list[str]:
    """What a person can do about it."""
    steps = []
    for place, number in add.items():
        holds = f"the set holds {kept.get(place, 0)} of {planned.get(place, 0)}"
        steps.append(f"add {number} {' '.join(place)}: {holds}")
    if best.ranked and best.trial.identity < HOLDS - FALLS:
        steps.append("look through the set in `bootstrap review` and reject pictures of somebody else")
        steps.append("or begin again with more seeds: a second picture from the side or from behind helps most")
    if add:
        steps.append("approve them in `bootstrap review`, or begin again with a seed of that view")
    if not best.ranked:
        steps.append("draw look-alikes (loop.lookalikes above 0): without them no score can be ranked")
    return steps
