"""The exact interval of a share."""

import pytest

from scoring.bounds import clopper_pearson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 20, 0.0, 0.1684), (1, 20, 0.0013, 0.2487), (10, 20, 0.2720, 0.7280), (20, 20, 0.8316, 1.0), (0, 0, 0.0, 1.0)],
)
def test_intervals_are_those_of_the_tables(hits, count, low, high):
    assert clopper_pearson(hits, count) == pytest.approx((low, high), abs=1e-4)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="3 hits of 2"):
        clopper_pearson(3, 2)
