"""The whole story: rounds until nothing is missing, then the finished set, the finished LoRA and the report.

Running and resuming are the same call. Knows no model and prints nothing.
"""

from __future__ import annotations

from bootstrap.shots import places
from loops.approval import await_approval
from loops.budget import CUTS, Work, fitting_round, wanted_pictures
from loops.choose import empty_places
from loops.engine import Engine
from loops.finish import Finished, finish
from loops.measure import measure
from loops.person import judges_with_approved, measured_frames, own_pictures, read_person
from loops.resume import continued_after
from loops.round import RoundPlan, play_round
from loops.stopping import next_goal
from loops.train import drawing_round, recipe_for

__all__ = ["run"]


def run(engine: Engine) -> Finished:
    """Play rounds until the rules say stop, then finish; whatever is done already is not done again."""
    approve(engine)
    while plan := next_round(engine):
        play_round(engine, plan)
        approve(engine)
    return finish(engine)


def approve(engine: Engine) -> None:
    """Wait for the approval of the last round; every verdict given by then counts."""
    whole, configured = engine.store.up_to(None), engine.config.loop.approval
    await_approval(whole, configured, attended=engine.attended, stop_asked=lambda: engine.stop_asked)


def read_boundary(engine: Engine) -> bool:
    """Read a person's rows up to this boundary; whether a finished run must play one more round for them."""
    engine.store, judged_since = read_person(engine.store)
    if engine.judging is not None:
        judges = judges_with_approved(engine.store, engine.judges, engine.judging)
        if judges is not engine.judges:
            engine.judges = judges
            measure(engine, measured_frames(engine.store))
    measure(engine, own_pictures(engine.store))
    return judged_since


def next_round(engine: Engine) -> RoundPlan | None:
    """The round that was cut off (or whose end was lost), or the next one by the rules, or None.

    A person who judged after the end gets one more round.
    """
    judged_since, rounds = read_boundary(engine), engine.store.rounds()
    if cut_off := next((one for one in rounds if one.outcome is None), None):
        return RoundPlan(cut_off.number, cut_off.phase, cut_off.goal)
    loop, best = engine.config.loop, drawing_round(engine, len(rounds) + 1)
    found = next_goal(rounds, len(engine.usable_keeps()), loop, continued_after(engine.store), best)
    if found is None and judged_since:
        found = best.phase if best else "character", loop.target
    if found is None:
        return None
    return within_budget(engine, RoundPlan(len(rounds) + 1, *found))


def within_budget(engine: Engine, plan: RoundPlan) -> RoundPlan | None:
    """The planned round, one of the finishing phase in its place, or None where the hours have room for neither.

    The first round is always begun: without it nothing is known and nothing could be kept.
    """
    if engine.budget is None or plan.number == 1:
        return plan
    last = RoundPlan(plan.number, engine.config.subject.finishing.name, engine.config.loop.target)
    drawn_before = drawing_round(engine, plan.number) is not None
    phase = fitting_round(
        engine.store,
        engine.budget,
        plan.number,
        (plan.phase, work_of(engine, plan)),
        (last.phase, work_of(engine, last)),
        drawn_before=drawn_before,
    )
    if phase is None:
        return None
    return plan if phase == plan.phase else last


def work_of(engine: Engine, plan: RoundPlan) -> Work:
    """What a round with one wave has to do: steps on the pictures that are kept by now, and pictures to draw."""
    loop = engine.config.loop
    wanted = wanted_pictures(empty_places(engine, places(plan.goal, loop.target, engine.config.views)), loop)
    if drawing_round(engine, plan.number):
        return Work(0, wanted)
    pictures = len(engine.usable_keeps()) + CUTS * len(engine.seeds)
    return Work(recipe_for(engine, plan.phase, plan.number, pictures).steps, wanted)
