"""The rules by which a run goes on, stops, and rolls back."""

import pytest

from bootstrap.config import load
from bootstrap.store.round import Round
from loops.stopping import best_round, drifted, next_goal, usable_rounds

LOOP = load("puppet").loop


def done(number, phase="style", goal=16, kept=0, new=9, held_out=0.5, selecting=0.5):
    outcome = {
        "kept": kept,
        "new": new,
        "candidates": 40,
        "held_out": held_out,
        "held_out_error": 0.01,
        "selecting": selecting,
    }
    return Round(number, phase, goal, outcome)


@pytest.mark.parametrize(
    ("rounds", "kept", "next_one"),
    [
        ([], 0, ("style", 16)),
        ([done(1)], 16, ("style", 40)),
        ([done(1)], 5, ("style", 16)),
        ([done(1)], 12, ("style", 40)),
        ([done(1), done(2, goal=40)], 41, ("character", 48)),
        ([done(1), done(2, goal=40), done(3, "character", 48)], 48, None),
        ([done(1), done(2, goal=40), done(3, "character", 48)], 44, ("character", 48)),
        ([done(1), done(2, goal=40), done(3, "character", 48, new=0)], 44, None),
        ([done(n) for n in range(1, 6)], 3, ("character", 48)),
        ([done(n) for n in range(1, 7)], 3, None),
    ],
)
def test_the_next_goal_follows_from_what_is_kept(rounds, kept, next_one):
    assert next_goal(rounds, kept, LOOP) == next_one


def test_a_fall_of_the_held_out_scorer_under_rising_scores_stops_and_rolls_back():
    rounds = [done(1), done(2, goal=40, held_out=0.4, selecting=0.6)]
    assert drifted(rounds)
    assert next_goal(rounds, 20, LOOP) is None
    assert usable_rounds(rounds) == {1}
    assert best_round(rounds).number == 1


def test_a_fall_within_the_error_or_without_rising_scores_does_not():
    assert not drifted([done(1), done(2, held_out=0.49, selecting=0.6)])
    assert not drifted([done(1), done(2, held_out=0.4, selecting=0.4)])
    assert not drifted([done(1)])
    assert not drifted([done(1), done(2, held_out=0.4, selecting=None)])
    assert not drifted([done(1, selecting=None), done(2, held_out=0.4)])
