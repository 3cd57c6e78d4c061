import pytest

from scoring.trials import Drawn, Trial, best_of


def panel(identity=4.0, control=1.0, faulty=0, n=12):
    """A panel of pictures alike; of four checks each, a share is obeyed."""
    obeyed = tuple(place < round(4 * control) for place in range(4))
    return Trial(tuple(Drawn(identity, obeyed, place < faulty) for place in range(n)))


def test_the_last_one_where_all_are_equal():
    assert best_of([panel(), panel(), panel()]) == 2


@pytest.mark.parametrize(
    ("trials", "best"),
    [
        ([panel(identity=5.0), panel(identity=1.0)], 0),
        ([panel(control=1.0), panel(identity=6.0, control=0.5)], 0),  # overcooked: all identity, no obedience
        ([panel(identity=0.0), panel(identity=4.0, control=0.75)], 1),
        ([panel(identity=3.0), panel(identity=4.0), panel(identity=2.0)], 1),
    ],
)
def test_identity_times_control_decides(trials, best):
    assert best_of(trials) == best


def test_defects_are_a_gate_whatever_the_identity():
    assert best_of([panel(identity=1.0), panel(identity=9.0, faulty=2)]) == 0
    assert best_of([panel(identity=1.0), panel(identity=9.0, faulty=1)]) == 1
    assert best_of([panel(faulty=5), panel(faulty=8)]) == 0  # nothing is sound: the fewest faults


def test_an_earlier_one_must_lead_by_more_than_chance():
    last = Trial(tuple(Drawn(2.0 + 2 * (n % 2), (True,), False) for n in range(12)))
    noisy = Trial(tuple(Drawn(2.2 + 2 * ((n + 1) % 2), (True,), False) for n in range(12)))
    assert best_of([noisy, last]) == 1


def test_what_nobody_can_tell_decides_nothing():
    blind = Trial((Drawn(None, (), False),) * 3)
    assert (blind.identity, blind.control) == (1.0, 1.0)
    assert best_of([blind, blind]) == 1


def test_nothing_to_choose_from():
    with pytest.raises(ValueError, match="nothing to choose from"):
        best_of([])
