"""Which round comes next, if any: pure rules over what the rounds so far have left behind.

The held-out encoder is read here and nowhere else: it may stop a run and name the best round, never pick a frame.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean, stdev

from bootstrap.config import LoopConfig, SubjectConfig
from bootstrap.records import Frame, JobKind, Phase, Round, RoundOutcome, Verdict, VerdictKind
from scoring.measurement import Measurement
from scoring.paired import change, summed

__all__ = ["best_round", "drawing_round", "drifted", "next_goal", "outcome_of", "plateau", "usable_rounds"]

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
    rounds: Sequence[Round],
    kept: int,
    loop: LoopConfig,
    subject: SubjectConfig,
    continued_after: int = 0,
    drawn_by: Round | None = None,
    filling: Phase | None = None,
) -> tuple[Phase, int] | None:
    """Phase and goal of the next round: the first goal not reached, then the target; None when it is over.

    What follows the goals is of the phase ``filling`` (None: the finishing one), which is called the finishing
    phase here. The last allowed round is always of the finishing phase, whatever the growing phase has reached. A
    goal that a round missed is not tried twice when at least half of it is there: more data first, then more of the
    same. When a growing round added next to nothing, another on the same pictures would too: the finishing phase
    begins. Where a finishing round leaves a place or two, provisional frames fill them. A finished run that was
    given new settings after ``continued_after`` rounds plays at least one more where a place is empty, whatever
    ended it before. Once a round has drifted, all further ones are ``drawn_by`` the adapter of an earlier one,
    until the places are filled or such a round, too, adds next to nothing; without such an adapter the run is over.
    """
    done = [one for one in rounds if one.outcome is not None]
    allowed = max(loop.rounds, continued_after + 1) if continued_after else loop.rounds
    judged_anew = len(done) > continued_after
    if len(done) >= allowed:
        return None
    stuck = judged_anew and plateau(done)
    if drawn_by is not None:
        in_vain = stuck and not drifted(done)
        return None if kept >= loop.target or in_vain else (drawn_by.phase, loop.target)
    if judged_anew and drifted(done):
        return None
    filling = filling or subject.finishing.name
    finishing = any(_finishes(one, loop, subject, filling) for one in done)
    enough = math.ceil(loop.target * (1 - LEFT_OVER)) if judged_anew else loop.target
    if finishing and (kept >= enough or stuck):
        return None
    goals = _goals_ahead(done, kept, loop, subject)
    if goals and not finishing and not stuck and len(done) + 1 < allowed:
        return subject.growing.name, goals[0]
    return filling, loop.target


def _finishes(one: Round, loop: LoopConfig, subject: SubjectConfig, filling: Phase) -> bool:
    """Whether a round fills the set; where its phase is the growing one too, its goal says so."""
    if one.phase != filling:
        return False
    return subject.growing.name != filling or one.goal >= loop.target


def _goals_ahead(done: Sequence[Round], kept: int, loop: LoopConfig, subject: SubjectConfig) -> list[int]:
    """The goals below the target that are neither reached nor tried in vain."""
    tried = {one.goal for one in done if one.phase == subject.growing.name}
    goals = []
    for goal in loop.goals:
        half_reached = goal in tried and kept * 2 >= goal
        if kept < goal < loop.target and not half_reached:
            goals.append(goal)
    return goals


def drawing_round(rounds: Sequence[Round], number: int, loop: LoopConfig, drawable: Collection[str]) -> Round | None:
    """The earlier round whose adapter draws round ``number``, once a round before it has drifted: the best sound one.

    None while none has drifted, where the run shall stop then, or where no sound round's adapter is ``drawable``: the
    ids of those whose weights exist.
    """
    done = [one for one in rounds if one.number < number and one.outcome is not None]
    sound = usable_rounds(done)
    if len(sound) == len(done) or loop.after_drift == "stop":
        return None
    return best_round([one for one in done if one.number in sound and one.adapter in drawable])


def outcome_of(
    candidates: Sequence[Frame],
    measured: Mapping[str, Mapping[str, Measurement]],
    verdicts: Mapping[str, Verdict],
    kept: int,
    *,
    held_out: str,
    selecting: str,
) -> RoundOutcome:
    """What a round leaves for the rules: ``kept`` so far, new keeps, and how alike its ``candidates`` are to the seeds.

    ``held_out`` and ``selecting`` name the scorers that tell; "" for none.
    """
    frames = [frame for frame in candidates if frame.job.kind is JobKind.CANDIDATE]
    held_out_values, selecting_values = (_by_place(frames, measured, name) for name in (held_out, selecting))
    mean, error = _over_families(held_out_values)
    return RoundOutcome(
        kept=kept,
        new=sum(verdicts[frame.job.id].kind is VerdictKind.KEEP for frame in frames),
        candidates=len(frames),
        held_out=mean,
        held_out_error=error,
        selecting=_over_families(selecting_values)[0],
        held_out_strata=_strata(held_out_values),
        selecting_strata=_strata(selecting_values),
    )


Values = Mapping[tuple[str, str], Sequence[float]]
"""View family and framing → a scorer's values: rounds draw different places."""


def _by_place(frames: Sequence[Frame], measured: Mapping[str, Mapping[str, Measurement]], scorer: str) -> Values:
    """A scorer's values by the place that was asked for."""
    values: dict[tuple[str, str], list[float]] = {}
    for frame in frames if scorer else ():
        value = measured[frame.job.id][scorer].value
        if value is not None:
            values.setdefault((frame.job.shot.view_family, frame.job.shot.framing), []).append(value)
    return values


def _strata(values: Values) -> dict[str, list[float]]:
    return summed({f"{view_family}/{framing}": found for (view_family, framing), found in values.items()})


def _over_families(values: Values) -> tuple[float | None, float]:
    """Mean over view families of the values' means, and its standard error."""
    families: dict[str, list[float]] = {}
    for (view_family, _), found in values.items():
        families.setdefault(view_family, []).extend(found)
    several = [found for found in families.values() if len(found) > 1]
    if not several:
        return None, 0.0
    errors = sum(stdev(found) ** 2 / len(found) for found in several)
    return fmean(fmean(found) for found in several), math.sqrt(errors) / len(several)


def drifted(done: Sequence[Round]) -> bool:
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


def best_round(done: Sequence[Round]) -> Round | None:
    """The round whose adapter the held-out encoder finds closest to the seeds."""
    best, highest = None, -math.inf
    for one in done:
        held_out = one.outcome.held_out if one.outcome else None
        if held_out is not None and held_out > highest:
            best, highest = one, held_out
    return best


def usable_rounds(done: Sequence[Round]) -> set[int]:
    """Rounds whose keeps may enter the finished set: all but those that had drifted when they ended."""
    return {one.number for place, one in enumerate(done, 1) if not drifted(done[:place])}


def plateau(done: Sequence[Round]) -> bool:
    """Whether the last round kept next to nothing of what it drew."""
    last = done[-1].outcome if done else None
    return last is not None and last.new <= NEXT_TO_NOTHING * last.candidates
