"""A whole run: rounds until nothing is missing, then the finished set, the finished LoRA and the report.

Running and resuming are the same call. Knows no model and prints nothing.
"""

from __future__ import annotations

from dataclasses import replace

from loops.approval import await_approval
from loops.archive import Archive
from loops.base_bias import look_at_trigger
from loops.boundary import judges_with_approved, measured_frames, own_pictures, read_person
from loops.budget import Work, fitting_round, originals_of, wanted_pictures
from loops.engine import Engine
from loops.enough import is_enough
from loops.finish import Finished, finish
from loops.frames_again import draw_again, measure_again
from loops.from_folder import from_folder, round_of_pictures
from loops.measure import measure
from loops.mending_round import mending
from loops.resume import continued_after
from loops.round import play_round
from loops.round_plan import RoundPlan
from loops.stopping import next_goal
from loops.training_set import recipe_for

__all__ = ["run"]


def run(engine: Engine) -> Finished:
    """Play rounds until the rules say stop, finish, mend where asked; whatever is done already is not done again."""
    draw_again(engine)
    look_at_trigger(engine)
    approve(engine)
    done = finish_after_rounds(engine)
    while plan := mending(engine):
        play(engine, plan)
        done = finish_after_rounds(engine)
    engine.store.snapshot()
    return done


def finish_after_rounds(engine: Engine) -> Finished:
    """Play the rounds that the rules ask for, then finish."""
    while plan := next_round(engine):
        play(engine, plan)
    return finish(engine)


def play(engine: Engine, plan: RoundPlan) -> None:
    """A round, and its approval."""
    play_round(engine, plan)
    approve(engine)


def approve(engine: Engine) -> None:
    """Wait for the approval of the last round; every verdict given by then counts."""
    whole, configured = engine.store.up_to(None), engine.config.loop.approval
    await_approval(whole, configured, attended=engine.attended, stop_asked=lambda: engine.stop_asked)


def read_boundary(engine: Engine) -> bool:
    """Read a person's rows up to this boundary; whether a finished run must play one more round for them."""
    engine.store.put_back_person()
    engine.store, judged_since = read_person(engine.store)
    if engine.judging is not None:
        judges = judges_with_approved(engine.store, engine.judges, engine.judging, engine.lost)
        if judges is not engine.judges:
            engine.judges = judges
            measure(engine, measured_frames(engine.store, engine.lost))
    measure(engine, own_pictures(engine.store, engine.lost))
    measure_again(engine)
    return judged_since


def next_round(engine: Engine) -> RoundPlan | None:
    """The round that was cut off (or whose end was lost), or the next one by the rules, or None.

    A person who judged after the end gets one more round.
    """
    judged_since, archive = read_boundary(engine), engine.archive()
    for one in archive.rounds:
        if one.outcome is None:
            return RoundPlan(one.number, one.phase, one.goal, engine.drawing_round(archive.rounds, one.number))
    number, loop, subject = len(archive.rounds) + 1, engine.config.schedule, engine.config.subject
    if from_folder(engine):
        return round_of_pictures(engine, number)
    drawn_by, continued = engine.drawing_round(archive.rounds, number), continued_after(engine.store)
    filling = engine.config.filling_phase
    found = next_goal(archive.rounds, len(archive.usable_keeps), loop, subject, continued, drawn_by, filling)
    if found is not None and len(archive.rounds) > continued and is_enough(engine, archive):
        found = None
    if found is None and judged_since:
        found = drawn_by.phase if drawn_by else filling, loop.target
    if found is None or (archive.rounds and not engine.can_pay):
        return None
    return within_budget(engine, archive, RoundPlan(number, *found, drawn_by))


def within_budget(engine: Engine, archive: Archive, plan: RoundPlan) -> RoundPlan | None:
    """The planned round, one of the finishing phase in its place, or None where the hours have room for neither.

    The first round is always begun: without it nothing is known and nothing could be kept.
    """
    if engine.budget is None or plan.number == 1:
        return plan
    last = replace(plan, phase=engine.config.filling_phase, goal=engine.config.loop.target)
    phase = fitting_round(
        engine.store,
        engine.budget,
        plan.number,
        (plan.phase, work_of(engine, archive, plan)),
        (last.phase, work_of(engine, archive, last)),
        drawn_before=plan.drawn_by is not None,
    )
    if phase is None:
        return None
    return plan if phase == plan.phase else last


def work_of(engine: Engine, archive: Archive, plan: RoundPlan) -> Work:
    """What a round with one wave has to do: steps on the pictures that are kept by now, and pictures to draw."""
    loop = engine.config.schedule
    wanted = wanted_pictures(archive.empty_places(engine.places(plan.goal)), loop)
    if plan.drawn_by is not None or not engine.config.trains_to_draw:
        return Work(0, wanted)
    pictures = len(archive.usable_keeps) + originals_of(engine.seeds, engine.config.base)
    return Work(recipe_for(engine.config, plan.phase, plan.number, pictures).steps, wanted)
