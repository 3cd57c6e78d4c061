"""Which round comes next, if any: pure rules over what the rounds so far have left behind.

The held-out encoder is read here and nowhere else: it may stop a run and name the best round, never pick a frame.
"""

from __future__ import annotations

import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from bootstrap.records import FAMILIES, VerdictKind
from bootstrap.settings import LoopConfig
from bootstrap.store.round import Round

if TYPE_CHECKING:
    from loops.engine import Engine

__all__ = ["best_round", "drifted", "next_goal", "outcome", "usable_rounds"]


def next_goal(rounds: list[Round], kept: int, loop: LoopConfig, continued_after: int = 0) -> tuple[str, int] | None:
    """Phase and goal of the next round: the first style goal not reached, then the target; None when it is over.

    The last allowed round is always the character phase, whatever the style phase has reached. A style goal that a
    round missed is not tried twice when at least half of it is there: more data first, then more of the same. A
    finished run that was given new settings after ``continued_after`` rounds plays at least one more where a place is
    empty, whatever ended it before.
    """
    done = [one for one in rounds if one.outcome is not None]
    allowed = max(loop.rounds, continued_after + 1) if continued_after else loop.rounds
    judged_anew = len(done) > continued_after
    if len(done) >= allowed or (judged_anew and drifted(done)):
        return None
    in_character = any(one.phase == "character" for one in done)
    if in_character and (kept >= loop.target or (judged_anew and _plateau(done))):
        return None
    tried = [one.goal for one in done if one.phase == "style"]
    ahead = [g for g in loop.style_goals if g < loop.target and kept < g and not (g in tried and kept * 2 >= g)]
    if ahead and not in_character and len(done) + 1 < allowed:
        return "style", ahead[0]
    return "character", loop.target


def outcome(engine: Engine, number: int) -> dict[str, Any]:
    """What a round leaves for the rules: kept so far, new keeps, and how its adapter's pictures look to both judges."""
    frames = [f for f in engine.store.frames(number) if f.job.kind == "candidate"]
    measured = engine.store.measurements([frame.job.id for frame in frames])
    verdicts = engine.store.verdicts()
    fresh = [f for f in frames if verdicts[f.job.id].kind is VerdictKind.KEEP]
    held_out = _per_family(engine, frames, measured, engine.judges.held_out)
    selecting = _per_family(engine, frames, measured, engine.judges.identity[0])
    return {
        "kept": len(engine.store.kept()),
        "new": len(fresh),
        "candidates": len(frames),
        "held_out": held_out[0],
        "held_out_error": held_out[1],
        "selecting": selecting[0],
    }


def _per_family(engine: Engine, frames: list[Any], measured: Any, scorer: str) -> tuple[float | None, float]:
    """Mean over view families of a scorer's mean, and its standard error: rounds draw different views."""
    means, errors = [], []
    for family in FAMILIES:
        values = [measured[f.job.id][scorer].value for f in frames if f.job.shot.family == family and scorer]
        known = [value for value in values if value is not None]
        if len(known) > 1:
            means.append(fmean(known))
            errors.append(stdev(known) ** 2 / len(known))
    return (fmean(means), math.sqrt(sum(errors)) / len(means)) if means else (None, 0.0)


def drifted(done: list[Round]) -> bool:
    """Whether the selecting scores rise while the held-out one falls by more than two standard errors: stop."""
    if len(done) < 2 or done[-1].outcome is None:
        return False
    last = done[-1].outcome
    best = best_round(done[:-1])
    if best is None or best.outcome is None or None in (last["held_out"], last["selecting"], best.outcome["selecting"]):
        return False  # what could not be told stops nothing
    error = math.hypot(last["held_out_error"], best.outcome["held_out_error"])
    return bool(
        last["held_out"] < best.outcome["held_out"] - 2 * error and last["selecting"] > best.outcome["selecting"]
    )


def best_round(done: list[Round]) -> Round | None:
    """The round whose adapter the held-out encoder finds closest to the seeds."""
    seen = [one for one in done if one.outcome is not None and one.outcome["held_out"] is not None]
    return max(seen, key=lambda one: (one.outcome or {})["held_out"]) if seen else None


def usable_rounds(done: list[Round]) -> set[int]:
    """Rounds whose keeps may enter the finished set: all but those that had drifted when they ended."""
    return {one.number for place, one in enumerate(done, 1) if not drifted(done[:place])}


def _plateau(done: list[Round]) -> bool:
    """Whether the last round kept next to nothing of what it drew."""
    last = done[-1].outcome
    return bool(last and last["candidates"] and last["new"] < 0.03 * last["candidates"])
