"""The benchmark's own arithmetic: shares, intervals, diversity, clusters, curves."""

import math

import numpy as np
import pytest

from tests.benchmarks.puppetbench import roc, shares
from tests.benchmarks.puppetbench.clusters import cohesion, kmeans, spread
from tests.benchmarks.puppetbench.measures import bleeds, by_family, obeyed, vendi


def test_a_share_is_a_ratio_of_means_over_characters():
    found = shares.share_closed(ours=[0.8, 0.7], floor=[0.6, 0.6], ceiling=[0.8, 0.8])
    assert found.share.value == pytest.approx(0.75)
    assert found.share.low <= 0.75 <= found.share.high
    assert str(found.denominator).startswith("0.200 [0.2")


def test_a_share_of_no_room_is_not_applicable():
    found = shares.share_closed(ours=[0.8, 0.7, 0.9], floor=[0.6, 0.7, 0.6], ceiling=[0.7, 0.6, 0.6])
    assert found.share is None
    assert str(found) == "n/a"
    assert found.denominator.low < 0 < found.denominator.high


def test_a_ceiling_below_the_floor_closes_nothing():
    assert shares.share_closed(ours=[0.5, 0.5], floor=[0.6, 0.7], ceiling=[0.4, 0.5]).share is None


def test_one_character_states_no_interval_and_closes_no_share():
    assert math.isnan(shares.mean([0.7]).low)
    assert shares.share_closed([0.8], [0.6], [0.9]).share is None


def test_differences_are_paired():
    found = shares.difference([0.1, 0.9], [0.0, 0.8])
    assert (found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.1))


def test_the_vendi_score_counts_different_pictures():
    assert vendi(np.eye(4, dtype=np.float32)) == pytest.approx(4)
    assert vendi(np.ones((4, 1), np.float32)) == pytest.approx(1)


def test_a_background_bleeds_only_where_another_was_asked():
    assert bleeds(["forest", "forest", "sky"], ["forest", "sky", "sky"], "forest") == (1, 2)


def test_obedience_counts_what_a_picture_can_show():
    from bootstrap.puppets.anatomy import sample_puppet
    from bootstrap.puppets.casting import shot_of
    from bootstrap.puppets.train.judge_truth import AXES

    shots = [shot_of("front"), shot_of("behind")]
    readings = {axis: [answers[0]] * 2 for axis, answers in AXES.items()} | {"view_family": ["front", "front"]}
    found = obeyed(readings, sample_puppet(7), shots)
    assert found["view_family"] == (1, 2)
    assert found["expression"][1] == 1


def test_a_family_without_pictures_is_there_and_empty():
    found = by_family(["front", "front"], ["front", "behind"], {"identity": np.array([0.5, 0.7], np.float32)})
    assert found == {"front": {"pictures": 2, "identity": 0.6}, "behind": {"pictures": 0}}


def test_kmeans_finds_separate_groups_and_the_tighter_one():
    rng = np.random.default_rng(0)
    tight, loose = rng.normal(0, 0.01, (15, 3)), rng.normal(5, 0.5, (25, 3))
    labels = kmeans(np.concatenate([tight, loose]).astype(np.float32), 2)
    assert len(set(labels[:15])) == len(set(labels[15:])) == 1
    assert labels[0] != labels[-1]
    assert cohesion(tight) < cohesion(loose)
    assert spread(np.zeros((3, 2), np.float32)) == 0


def test_curves():
    assert roc.auc([3, 4, 5], [0, 1, 2]) == 1
    assert roc.auc([1, 1, 1], [1, 1, 1]) == 0.5
    assert roc.auc([1, 2], [0, 0, 0]) is None
    assert roc.power_at([1, 3, 3, 3], [0, 1, 2], 0.05) == 0.75
    assert roc.spearman(range(8), [n**2 for n in range(8)]) == pytest.approx(1)
    assert roc.spearman(range(8), [1] * 8) is None
