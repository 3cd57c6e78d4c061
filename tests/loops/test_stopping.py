"""The rules by which a run goes on, stops, and rolls back."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from bootstrap.config import load
from bootstrap.records import Round, RoundOutcome
from loops.engine import Engine
from loops.stopping import best_round, drifted, next_goal, usable_rounds
from loops.train import drawing_round

LOOP = load("puppet").loop


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
    assert next_goal(rounds, kept, LOOP) == next_one


def test_a_fall_of_the_held_out_scorer_under_rising_scores_stops_and_rolls_back():
    rounds = [done(1), done(2, goal=40, held_out=0.46, selecting=0.6)]
    assert drifted(rounds)
    assert next_goal(rounds, 20, LOOP) is None
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
    assert next_goal(rounds, 20, LOOP) is None
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
    assert next_goal([done(1), FELL, *since], kept, LOOP, drawn_by=done(1)) == next_one


def test_the_best_sound_round_with_an_adapter_draws_after_a_drift(tmp_path):
    def asked(number, loop=LOOP, trained=("r01-style", "r02-style", "r03-style")):
        rounds = [done(1), done(2, held_out=0.6), done(3, held_out=0.3), done(4, held_out=0.7)]
        engine = SimpleNamespace(
            store=SimpleNamespace(rounds=lambda: rounds, directory=tmp_path),
            adapter=lambda name: SimpleNamespace(path=name) if name in trained else None,
            config=SimpleNamespace(loop=loop),
        )
        best = drawing_round(engine, number)
        return best.number if best else None

    for name in ("r01-style", "r02-style", "r03-style"):
        (tmp_path / name).touch()
    assert (asked(3), asked(4), asked(5)) == (None, 2, 2), "round 4 was drawn by round 2's"
    assert asked(4, trained=("r01-style",)) == 1
    assert asked(4, trained=()) is None
    (tmp_path / "r02-style").unlink()
    assert asked(4) == 1, "round 2's weights were freed"
    assert asked(4, LOOP.model_copy(update={"after_drift": "stop"})) is None


def test_the_round_being_played_is_sound_and_one_that_drifted_is_not():
    rounds = [done(1), done(2, held_out=0.3, selecting=0.4), Round(3, "character", 48, None)]
    engine = SimpleNamespace(store=SimpleNamespace(rounds=lambda: rounds))
    assert Engine.sound_rounds.fget(engine) == {0, 1, 3}
