"""The rules by which a run goes on, stops, and rolls back."""

from dataclasses import replace

import pytest

from bootstrap.config import load
from bootstrap.records import Frame, Job, JobKind, Round, RoundOutcome, Shot, Verdict, VerdictKind
from loops.stopping import best_round, drawing_round, drifted, next_goal, outcome_of, usable_rounds
from scoring.measurement import Measurement, not_applicable

CONFIG = load("puppet")
LOOP, SUBJECT = CONFIG.loop, CONFIG.subject


PLACES = ("front/portrait", "behind/full body")


def strata(mean, places=PLACES, error=0.009):
    """Ten values in each of two places; the difference of two such rounds has the given standard error."""
    return {place: [10.0, mean, 90 * error**2] for place in places} if mean is not None else {}


def done(number, phase="style", goal=16, kept=0, new=9, held_out=0.5, selecting=0.5, places=None):
    outcome = RoundOutcome(
        kept=kept,
        new=new,
        candidates=40,
        held_out=held_out,
        held_out_error=0.01,
        selecting=selecting,
        held_out_strata=strata(held_out, places or PLACES),
        selecting_strata=strata(selecting, places or PLACES),
    )
    return Round(number, phase, goal, outcome)


def with_strata(one, held_out):
    """The same round with other held-out values."""
    return replace(one, outcome=replace(one.outcome, held_out_strata=held_out))


@pytest.mark.parametrize(
    ("rounds", "kept", "next_one"),
    [
        ([], 0, ("style", 16)),
        ([done(1)], 16, ("style", 40)),
        ([done(1)], 5, ("style", 16)),
        ([done(1)], 12, ("style", 40)),
        ([done(1), done(2, goal=40)], 41, ("character", 48)),
        ([done(1), done(2, goal=40), done(3, "character", 48)], 48, None),
        ([done(1), done(2, goal=40), done(3, "character", 48)], 46, None),
        ([done(1), done(2, goal=40), done(3, "character", 48)], 45, ("character", 48)),
        ([done(1), done(2, goal=40), done(3, "character", 48, new=0)], 44, None),
        ([done(n) for n in range(1, 6)], 3, ("character", 48)),
        ([done(1, new=1)], 5, ("character", 48)),
        ([done(1), done(2, goal=40, new=0)], 17, ("character", 48)),
        ([done(1, new=0), done(2, "character", 48)], 9, ("character", 48)),
        ([done(1, new=0), done(2, "character", 48, new=0)], 9, None),
        ([done(n) for n in range(1, 7)], 3, None),
    ],
)
def test_the_next_goal_follows_from_what_is_kept(rounds, kept, next_one):
    assert next_goal(rounds, kept, LOOP, SUBJECT) == next_one


@pytest.mark.parametrize(
    ("rounds", "kept", "next_one"),
    [
        ([], 0, ("style", 16)),
        ([done(1), done(2, goal=40)], 41, ("style", 48)),
        ([done(1), done(2, goal=40), done(3, goal=48)], 41, ("style", 48)),
        ([done(1), done(2, goal=40), done(3, goal=48)], 48, None),
        ([done(1), done(2, goal=40), done(3, goal=48, new=0)], 41, None),
    ],
)
def test_rounds_that_draw_beside_references_fill_the_set_in_the_growing_phase(rounds, kept, next_one):
    assert next_goal(rounds, kept, LOOP, SUBJECT, filling="style") == next_one


def test_a_fall_of_the_held_out_scorer_under_rising_scores_stops_and_rolls_back():
    rounds = [done(1), done(2, goal=40, held_out=0.46, selecting=0.6)]
    assert drifted(rounds)
    assert next_goal(rounds, 20, LOOP, SUBJECT) is None
    assert usable_rounds(rounds) == {1}
    assert best_round(rounds).number == 1


def test_a_fall_within_the_error_or_without_rising_scores_does_not():
    assert not drifted([done(1), done(2, held_out=0.49, selecting=0.6)])
    assert not drifted([done(1), done(2, held_out=0.48, selecting=0.4)])
    assert not drifted([done(1)])
    assert not drifted([done(1), done(2, held_out=0.48, selecting=None)])
    assert not drifted([done(1, selecting=None), done(2, held_out=0.48)])
    assert not drifted([done(1), done(2, held_out=None, selecting=0.6)])


def test_a_far_fall_of_the_held_out_scorer_stops_by_itself():
    rounds = [done(1), done(2, "character", 48, held_out=0.43, selecting=0.4)]
    assert drifted(rounds)
    assert next_goal(rounds, 20, LOOP, SUBJECT) is None
    assert usable_rounds(rounds) == {1}


def test_a_fall_that_is_sure_but_small_or_large_but_unsure_does_not():
    first, second = with_strata(done(1), strata(0.5, error=0.003)), done(2, held_out=0.478, selecting=0.4)
    assert not drifted([first, with_strata(second, strata(0.478, error=0.003))])  # 4 % of the level
    assert drifted([first, with_strata(second, strata(0.472, error=0.003))])
    unsure = done(2, held_out=0.43, selecting=0.4)
    assert not drifted([done(1), with_strata(unsure, strata(0.43, error=0.05))])


def test_rounds_that_draw_other_places_are_not_compared():
    fallen = done(2, held_out=0.2, selecting=0.9, places=["above/full body"])
    assert not drifted([done(1), fallen])
    both = {**fallen.outcome.held_out_strata, **strata(0.5, ["front/portrait"])}
    assert not drifted([done(1), with_strata(fallen, both)])


def test_a_run_from_before_the_strata_were_kept_goes_on():
    def without(one):
        return replace(one, outcome=replace(one.outcome, held_out_strata={}, selecting_strata={}))

    assert not drifted([without(done(1)), without(done(2, held_out=0.1, selecting=0.9))])


FELL = done(2, goal=40, held_out=0.3)


@pytest.mark.parametrize(("since", "kept", "next_one"), [
    ([], 20, ("style", 48)),
    ([], 48, None),
    ([done(3, goal=48)], 30, ("style", 48)),
    ([done(3, goal=48, new=1)], 30, None),
    ([done(n, goal=48) for n in range(3, 7)], 30, None),
])  # fmt: skip
def test_after_a_drift_the_best_round_goes_on_drawing_until_it_adds_nothing(since, kept, next_one):
    assert next_goal([done(1), FELL, *since], kept, LOOP, SUBJECT, drawn_by=done(1)) == next_one


def test_the_best_sound_round_whose_adapter_exists_draws_after_a_drift():
    rounds = [done(1), done(2, held_out=0.6), done(3, held_out=0.3), done(4, held_out=0.7)]
    adapters = {"r01-style", "r02-style", "r03-style"}

    def drawing(number, drawable=adapters, loop=LOOP):
        best = drawing_round(rounds, number, loop, drawable)
        return best.number if best else None

    assert (drawing(3), drawing(4), drawing(5)) == (None, 2, 2), "round 4 was drawn by round 2's"
    assert drawing(4, {"r01-style"}) == 1
    assert drawing(4, ()) is None
    assert drawing(4, loop=LOOP.model_copy(update={"after_drift": "stop"})) is None


AXES = {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"}


def drawn(id, view_family, framing="portrait", kind=JobKind.CANDIDATE):
    return Frame(Job(id, kind, 1, 1, Shot(view_family, view_family, framing, AXES), id, "", 1, {}), id, id, "a")


def test_what_a_round_leaves_is_compared_place_by_place():
    frames = [drawn("a", "front"), drawn("b", "front"), drawn("c", "front", "close-up"), drawn("d", "behind")]
    frames += [drawn("decoy", "front", kind=JobKind.LOOKALIKE)]
    values = {"a": 0.2, "b": 0.4, "c": 0.6, "d": 0.9, "decoy": 0.0}
    measured = {id: {"held-out": Measurement(v), "clip": not_applicable("x")} for id, v in values.items()}
    kinds = {"a": VerdictKind.KEEP, "b": VerdictKind.REJECT, "c": VerdictKind.KEEP, "d": VerdictKind.UNDECIDED}
    verdicts = {id: Verdict(id, kind, "gate", ()) for id, kind in kinds.items()}
    found = outcome_of(frames, measured, verdicts, 7, held_out="held-out", selecting="clip")
    assert (found.kept, found.new, found.candidates) == (7, 2, 4)
    assert found.held_out == pytest.approx(0.4), "one picture from behind is not enough for a mean"
    assert found.held_out_error == pytest.approx(0.2 / 3**0.5)
    assert {place: row[0] for place, row in found.held_out_strata.items()} == {
        "front/portrait": 2, "front/close-up": 1, "behind/portrait": 1,
    }  # fmt: skip
    assert (found.selecting, found.selecting_strata) == (None, {})
    assert outcome_of(frames, measured, verdicts, 7, held_out="", selecting="clip").held_out is None
