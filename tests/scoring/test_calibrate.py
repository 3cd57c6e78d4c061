import math

import numpy as np
import pytest

from scoring.calibrate import (
    Gate,
    benjamini_hochberg,
    decoys_needed,
    differ,
    empirical_p,
    judge,
    smooth_p,
)
from scoring.measurement import Measurement, not_applicable


def measured(values, name="clip", start=""):
    return {f"{start}{i}": {name: Measurement(float(v))} for i, v in enumerate(values)}


def decoys(seed, n=100, mean=0.0):
    return measured(np.random.default_rng(seed).normal(mean, 1, n), start=f"d{seed}-")


def admitted(ranked, alpha=0.05):
    return benjamini_hochberg({key: one.p for key, one in ranked.items()}, alpha)


def test_a_frame_far_above_the_decoys_is_admitted_and_one_among_them_is_not():
    ranked = judge(measured([6.0, 0.0]), decoys(1), {})
    assert admitted(ranked) == {"0"}
    assert ranked["0"].p == pytest.approx(1 / 101)


def test_the_weakest_scorer_decides_on_a_common_scale():
    null = decoys(1)
    for row, value in zip(null.values(), np.random.default_rng(9).normal(40, 10, 100), strict=True):
        row["face"] = Measurement(float(value))
    candidate = {"a": {"clip": Measurement(6.0), "face": Measurement(40.0)}}
    ranked = judge(candidate, null, {})
    assert ranked["a"].weakest == "face"
    assert abs(ranked["a"].score) < 0.5
    assert not admitted(ranked)


def test_not_applicable_is_left_out_and_never_counts_as_zero():
    null = decoys(1)
    for row in null.values():
        row["face"] = not_applicable("no face from behind")
    blind = {"a": {"clip": Measurement(6.0), "face": not_applicable("no face from behind")}}
    ranked = judge(blind, null, {})
    assert ranked["a"].scorers == ("clip",)
    assert admitted(ranked)


def test_a_frame_that_no_scorer_can_judge_is_not_admitted():
    ranked = judge({"a": {"clip": not_applicable("no crop")}}, decoys(1), {})
    assert (ranked["a"].p, ranked["a"].weakest) == (1.0, "")
    assert not admitted(ranked)


def test_the_same_scorers_are_compared():
    """Half of the decoys show a face. One with a low face value must not be excused by its high clip value."""
    rng = np.random.default_rng(3)
    null = {}
    for i in range(100):
        face = Measurement(float(rng.normal())) if i % 2 else not_applicable("no face")
        null[f"d{i}"] = {"clip": Measurement(float(rng.normal())), "face": face}
    both = {"a": {"clip": Measurement(2.0), "face": Measurement(2.0)}}
    assert judge(both, null, {})["a"].p == pytest.approx(1 / 51)


def test_decoys_that_agree_are_pooled_and_else_the_exchanged_ones_calibrate():
    assert judge(measured([6.0]), decoys(1), decoys(2))["0"].p == pytest.approx(1 / 201)
    ranked = judge(measured([1.5]), decoys(1), decoys(2, mean=3.0))
    alone = judge(measured([1.5]), decoys(1), {})
    assert ranked["0"].p > 0.8 > 0.2 > alone["0"].p


def test_lookalikes_alone_calibrate_where_they_are_asked_for():
    alike, other = decoys(1), decoys(2, mean=-9.0)
    ranked = judge(measured([1.0]), alike, other, calibrate_on="lookalikes")
    assert ranked == judge(measured([1.0]), alike, {})
    assert not admitted(ranked)
    assert admitted(judge(measured([1.0]), alike, other))  # its traits alone beat the exchanged ones


@pytest.mark.parametrize("means", [(0.0, -9.0), (-9.0, 0.0)])
def test_both_kinds_must_be_beaten_where_both_are_asked_for(means):
    alike, other = (decoys(seed, mean=mean) for seed, mean in zip((1, 2), means, strict=True))
    ranked = judge(measured([1.0, 6.0]), alike, other, calibrate_on="both")
    alone = [judge(measured([1.0, 6.0]), *kinds) for kinds in ((alike, {}), ({}, other))]
    for id, one in ranked.items():
        assert one.p == max(each[id].p for each in alone)
        assert one.score == min(each[id].score for each in alone)
    assert admitted(ranked) == {"1"}


@pytest.mark.parametrize("calibrate_on", ["both", "lookalikes", "exchanged"])
def test_a_kind_that_is_missing_leaves_the_other_to_calibrate(calibrate_on):
    expected = judge(measured([6.0]), decoys(1), {})
    assert judge(measured([6.0]), decoys(1), {}, calibrate_on) == expected
    assert judge(measured([6.0]), {}, decoys(1), calibrate_on) == expected
    assert judge(measured([9.0]), {}, {}, calibrate_on)["0"].p == 1.0


def test_a_decoy_leaves_itself_out():
    null = {**decoys(1, n=30), "odd": {"clip": Measurement(50.0)}}
    assert judge(measured([60.0]), null, {})["0"].p == pytest.approx(2 / 32)  # with itself it would stay below √31


def test_equal_decoys_give_finite_scores():
    ranked = judge(measured([0.5, 0.1]), measured([0.1] * 40, start="d"), {})
    assert math.isfinite(ranked["0"].score)
    assert ranked["0"].p < ranked["1"].p == 1.0


def test_empirical_p_counts_ties_against_the_frame():
    assert empirical_p(1.0, np.array([0.0, 1.0, 2.0])) == 0.75
    assert empirical_p(1.0, np.array([])) == 1.0


def test_benjamini_hochberg_takes_the_largest_k():
    assert benjamini_hochberg({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9}, 0.055) == {"a", "b", "c"}
    assert benjamini_hochberg({"a": 0.3}, 0.05) == set()
    assert benjamini_hochberg({}, 0.05) == set()


def test_false_frames_among_those_admitted_stay_below_the_stated_level():
    rng = np.random.default_rng(5)
    shares, found = [], []
    for _ in range(60):
        null = measured(rng.normal(size=150), start="d")
        false, true = rng.normal(size=40), rng.normal(4.0, 1.0, size=20)
        ids = [int(id) for id in admitted(judge(measured(np.concatenate([false, true])), null, {}), 0.1)]
        shares.append(sum(id < 40 for id in ids) / max(1, len(ids)))
        found.append(sum(id >= 40 for id in ids) / 20)
    assert np.mean(shares) < 0.1
    assert np.mean(found) > 0.8


@pytest.mark.parametrize("draw", ["normal", "uniform", "exponential", "weakest"])
def test_the_smooth_tail_is_not_anti_conservative(draw):
    """At 1 in 1000, far below the 1 in 101 that 100 decoys can say by counting."""
    rng = np.random.default_rng(7)
    sample = {
        "normal": lambda n: rng.normal(size=n),
        "uniform": lambda n: rng.uniform(size=n),
        "exponential": lambda n: rng.exponential(size=n),
        "weakest": lambda n: rng.normal(size=(2, n)).min(axis=0),
    }[draw]
    hits = [smooth_p(score, null) <= 0.001 for null in (sample(100) for _ in range(400)) for score in sample(100)]
    assert np.mean(hits) <= 0.0012


def test_the_smooth_tail_reaches_below_what_counting_can():
    null = np.random.default_rng(1).normal(size=100)
    assert smooth_p(8.0, null) < 1e-4 < empirical_p(8.0, null)
    assert smooth_p(0.0, null) == empirical_p(0.0, null)
    assert smooth_p(8.0, null[:20]) == empirical_p(8.0, null[:20])


def test_decoys_needed():
    assert decoys_needed(60, 15, 0.05) == 79
    assert decoys_needed(60, 6, 0.05) == 199
    assert decoys_needed(0, 0, 0.05) == 0


def test_as_many_decoys_as_needed_are_enough_and_one_fewer_is_not():
    ps = {n: empirical_p(9.0, np.zeros(n)) for n in (79, 78)}
    for n, expected in ((79, 15), (78, 0)):
        frames = {f"t{i}": ps[n] for i in range(15)} | {f"f{i}": 1.0 for i in range(45)}
        assert len(benjamini_hochberg(frames, 0.05)) == expected


def test_differ_sees_a_shift_and_not_chance():
    rng = np.random.default_rng(2)
    assert differ(rng.normal(size=100), rng.normal(1, 1, size=100))
    alarms = [differ(rng.normal(size=100), rng.normal(size=100)) for _ in range(300)]
    assert np.mean(alarms) < 0.08
    assert not differ([0.0] * 5, [9.0] * 5)


def test_the_gate_is_cumulative_and_never_takes_back():
    gate = Gate(0.05)
    assert gate.admit("front", {"a": 0.01, "b": 0.2}) == {"a"}
    assert gate.admit("front", {f"x{i}": 0.9 for i in range(50)}) == {"a"}
    assert gate.admit("behind", {"z": 0.01}) == {"z"}


def test_a_later_wave_can_admit_an_earlier_frame():
    gate = Gate(0.05)
    assert gate.admit("front", {"a": 0.03, "b": 0.9}) == set()
    assert gate.admit("front", {f"x{i}": 0.01 for i in range(3)}) == {"a", "x0", "x1", "x2"}


def test_a_resumed_gate_decides_as_the_first_one():
    earlier, wave = {"a": 0.01, "b": 0.2}, {"c": 0.02, "d": 0.5}
    first = Gate(0.05)
    first.admit("front", earlier)
    resumed = Gate(0.05, kept=["a"])
    assert resumed.admit("front", {**earlier, **wave}) == first.admit("front", wave)


def test_what_was_kept_stays_whatever_its_p():
    assert Gate(0.05, kept=["a"]).admit("front", {"a": 0.9, "b": 0.9}) == {"a"}
