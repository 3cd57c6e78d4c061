"""Which round comes next, if any: pure rules over what the rounds so far have left behind.

The held-out encoder is read here and nowhere else: it may stop a run and name the best round, never pick a frame.
"""

from __future__ import annotations

import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from bootstrap.config import LoopConfig
from bootstrap.records import VIEW_FAMILIES, Phase, Round, RoundOutcome, VerdictKind
from scoring.paired import change, summed

if TYPE_CHECKING:
    from loops.engine import Engine

__all__ = ["best_round", "drifted", "next_goal", "outcome", "usable_rounds"]

FOOLED = 2.0
"""Standard errors by which the held-out scorer falls when rising scores are believed to fool the loop."""
FAR = (4.0, 0.05)
"""Standard errors, and part of the level, by which it must fall to stop a run by itself.

Eight forced rounds of ours fall by .037 at most; a set that each round replaces by its top-k falls by .065 after five,
when a third of the likeness is gone (tests/benchmarks/LOG.md, "Drift over eight forced rounds").
"""
NEXT_TO_NOTHING = 0.03
"""Part of its candidates that a round keeps when it was for nothing."""
LEFT_OVER = 0.05
"""Part of the target that may stay open after the character phase: a place or two are no reason to train once more."""


def next_goal(
    rounds: list[Round], kept: int, loop: LoopConfig, continued_after: int = 0, drawn_by: Round | None = None
) -> tuple[Phase, int] | None:
    """Phase and goal of the next round: the first style goal not reached, then the target; None when it is over.

    The last allowed round is always the character phase, whatever the style phase has reached. A style goal that a
    round missed is not tried twice when at least half of it is there: more data first, then more of the same. When a
    style round added next to nothing, another on the same pictures would too: the character phase begins. Where a
    character round leaves a place or two, provisional frames fill them. A finished run that was given new settings
    after ``continued_after`` rounds plays at least one more where a place is empty, whatever ended it before. Once a
    round has drifted, all further ones are ``drawn_by`` the adapter of an earlier one, until the places are filled or
    such a round, too, adds next to nothing; without such an adapter the run is over.
    """
    done = [one for one in rounds if one.outcome is not None]
    allowed = max(loop.rounds, continued_after + 1) if continued_after else loop.rounds
    judged_anew = len(done) > continued_after
    if len(done) >= allowed:
        return None
    if drawn_by is not None:
        in_vain = judged_anew and not drifted(done) and _plateau(done)
        return None if kept >= loop.target or in_vain else (drawn_by.phase, loop.target)
    if judged_anew and drifted(done):
        return None
    in_character = any(one.phase == "character" for one in done)
    enough = math.ceil(loop.target * (1 - LEFT_OVER)) if judged_anew else loop.target
    if in_character and (kept >= enough or (judged_anew and _plateau(done))):
        return None
    tried = [one.goal for one in done if one.phase == "style"]
    ahead = [g for g in loop.goals if g < loop.target and kept < g and not (g in tried and kept * 2 >= g)]
    stuck = bool(done) and judged_anew and _plateau(done)
    if ahead and not in_character and not stuck and len(done) + 1 < allowed:
        return "style", ahead[0]
    return "character", loop.target


def outcome(engine: Engine, number: int) -> RoundOutcome:
    """What a round leaves for the rules: kept so far, new keeps, and how its adapter's pictures look to both judges."""
    frames = [f for f in engine.store.frames(number) if f.job.kind == "candidate"]
    measured = engine.store.measurements([frame.job.id for frame in frames])
    verdicts = engine.store.verdicts()
    fresh = [f for f in frames if verdicts[f.job.id].kind is VerdictKind.KEEP]
    names = {"held_out": engine.judges.held_out, "selecting": engine.judges.identity[0]}
    held_out, selecting = (_per_family(engine, frames, measured, name) for name in names.values())
    return RoundOutcome(
        kept=len(engine.usable_keeps()),
        new=len(fresh),
        candidates=len(frames),
        held_out=held_out[0],
        held_out_error=held_out[1],
        selecting=selecting[0],
        held_out_strata=_strata(frames, measured, names["held_out"]),
        selecting_strata=_strata(frames, measured, names["selecting"]),
    )


def _strata(frames: list[Any], measured: Any, scorer: str) -> dict[str, list[float]]:
    """A scorer's values by the place that was asked for: rounds draw different places."""
    values: dict[str, list[float]] = {}
    for frame in frames if scorer else []:
        if (value := measured[frame.job.id][scorer].value) is not None:
            values.setdefault(f"{frame.job.shot.view_family}/{frame.job.shot.framing}", []).append(value)
    return summed(values)


def _per_family(engine: Engine, frames: list[Any], measured: Any, scorer: str) -> tuple[float | None, float]:
    """Mean over view families of a scorer's mean, and its standard error: rounds draw different views."""
    means, errors = [], []
    for view_family in VIEW_FAMILIES:
        values = [measured[f.job.id][scorer].value for f in frames if f.job.shot.view_family == view_family and scorer]
        known = [value for value in values if value is not None]
        if len(known) > 1:
            means.append(fmean(known))
            errors.append(stdev(known) ** 2 / len(known))
    return (fmean(means), math.sqrt(sum(errors)) / len(means)) if means else (None, 0.0)


def drifted(done: list[Round]) -> bool:
    """Whether the last round draws the character worse than the best one before it, in the places that both have drawn.

    Either the selecting scores rise while the held-out one falls by more than two standard errors: the loop is fooling
    itself. Or the held-out one falls far by itself. What cannot be told stops nothing.
    """
    best = best_round(done[:-1])
    last = done[-1].outcome
    if best is None or best.outcome is None or last is None:
        return False
    fell = change(best.outcome.held_out_strata, last.held_out_strata)
    if fell is None:
        return False
    rose = change(best.outcome.selecting_strata, last.selecting_strata)
    fooled = rose is not None and rose.rise > 0 and fell.rise < -FOOLED * fell.error
    return fooled or (fell.rise < -FAR[0] * fell.error and fell.rise < -FAR[1] * fell.level)


def best_round(done: list[Round]) -> Round | None:
    """The round whose adapter the held-out encoder finds closest to the seeds."""
    best, highest = None, -math.inf
    for one in done:
        held_out = one.outcome.held_out if one.outcome else None
        if held_out is not None and held_out > highest:
            best, highest = one, held_out
    return best


def usable_rounds(done: list[Round]) -> set[int]:
    """Rounds whose keeps may enter the finished set: all but those that had drifted when they ended."""
    return {one.number for place, one in enumerate(done, 1) if not drifted(done[:place])}


def _plateau(done: list[Round]) -> bool:
    """Whether the last round kept next to nothing of what it drew."""
    last = done[-1].outcome
    return last is not None and last.new <= NEXT_TO_NOTHING * last.candidates
