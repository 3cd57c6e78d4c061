import numpy as np
import pytest

from scoring.paired import change, summed


def test_other_views_are_no_change():
    """The second set has the same values in each stratum and far more of the low one."""
    rng = np.random.default_rng(1)
    front, behind = (list(rng.normal(mean, 0.05, 200)) for mean in (0.9, 0.5))
    found = change(summed({"front": front, "behind": behind[:4]}), summed({"front": front[:4], "behind": behind}))
    assert abs(found.rise) < 2 * found.error
    assert found.error < 0.05


def test_a_fall_is_found_with_its_error_and_level():
    rng = np.random.default_rng(2)
    falls = []
    for _ in range(200):
        before, after = ({"a": list(rng.normal(at, 0.1, 8)), "b": list(rng.normal(at, 0.1, 4))} for at in (0.8, 0.7))
        falls.append(change(summed(before), summed(after)))
    assert np.mean([one.rise for one in falls]) == pytest.approx(-0.1, abs=0.01)
    assert np.mean([one.level for one in falls]) == pytest.approx(0.8, abs=0.01)
    assert np.std([one.rise for one in falls]) == pytest.approx(np.mean([one.error for one in falls]), rel=0.2)


def test_nothing_shared_or_too_few_values_tell_nothing():
    many = [0.1 * n for n in range(20)]
    assert change(summed({"a": many}), summed({"b": many})) is None
    assert change(summed({"a": many[:3]}), summed({"a": many[:3]})) is None
    assert change({}, {}) is None
    assert summed({"a": []}) == {}
