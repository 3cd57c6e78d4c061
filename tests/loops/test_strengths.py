"""Which strength a view family is drawn with: what passes and is surely the seed's, and the usual one where all tie."""

import pytest

from loops.strengths import Tried, best_strength

MUCH, LITTLE = Tried([True] * 4, [1.0] * 4), Tried([True, False, False, False], [0.5] * 4)


def test_a_view_family_takes_the_strength_of_the_highest_yield():
    own = {0.5: LITTLE, 1.0: MUCH}
    strength, yields = best_strength(own, own, usual=0.5)
    assert (strength, yields) == (1.0, {0.5: 0.125, 1.0: 1.0})


@pytest.mark.parametrize("passed", [[True] * 4, [False] * 4])
def test_what_obeys_nothing_is_worth_nothing_however_alike_it_is(passed):
    found = {0.5: Tried([True, True, False, False], [0.9] * 4), 1.0: Tried(passed, [1.0] * 4)}
    assert best_strength(found, found, 0.5)[0] == (1.0 if all(passed) else 0.5)


def test_few_pictures_of_its_own_are_outweighed_by_those_of_all_views():
    everywhere = {0.5: Tried([True] * 24, [0.9] * 24), 1.0: Tried([True] * 24, [0.6] * 24)}
    one = {0.5: Tried([True], [0.0]), 1.0: Tried([True], [1.0])}
    assert best_strength(one, everywhere, 1.0)[0] == 0.5
    many = {0.5: Tried([True] * 24, [0.0] * 24), 1.0: Tried([True] * 24, [1.0] * 24)}
    assert best_strength(many, everywhere, 1.0)[0] == 1.0


def test_equal_yields_leave_the_usual_strength_and_no_picture_does_too():
    same = dict.fromkeys((0.4, 0.6, 0.8), MUCH)
    assert best_strength(same, same, usual=0.7)[0] == 0.6
    assert best_strength({}, same, usual=0.8)[0] == 0.8
    assert best_strength({}, {}, usual=0.7) == (0.7, {})
