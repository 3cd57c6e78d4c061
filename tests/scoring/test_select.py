from dataclasses import replace

import numpy as np

from scoring.select import Candidate, Quota, Rules, choose, provisional, why_not


def unit(*values):
    row = np.array(values, np.float32)
    return row / np.linalg.norm(row)


def at(degrees):
    return unit(np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0)


def frame(id, view="front", framing="portrait", quality=0.0, angle=0.0, prompt="", **facts):
    return Candidate(id, {"view": view, "framing": framing}, quality, at(angle), prompt, **facts)


def spread(ids, view="front", **facts):
    """Frames that are all different pictures."""
    return [frame(id, view, angle=10.0 * n, **facts) for n, id in enumerate(ids)]


def ids(picks):
    return [pick.id for pick in picks]


VIEWS = [Quota({"view": "front"}, 2), Quota({"view": "behind"}, 2)]


def test_coverage_comes_before_quality():
    fronts = [frame(f"f{i}", quality=9, angle=10 * i) for i in range(5)]
    behind = [frame("b", "behind", quality=1, angle=80)]
    assert ids(choose(fronts + behind, VIEWS, 2))[0:2].count("b") == 1


def test_a_pick_says_what_it_fills():
    picks = choose(spread(["a", "b"], "behind"), [Quota({"view": "behind", "framing": "portrait"}, 3)], 2)
    assert [pick.reason for pick in picks] == ["fills behind/portrait 0→1", "fills behind/portrait 1→2"]


def test_what_was_kept_counts_first():
    kept = spread(["k1", "k2"])
    new = [frame("f", angle=50), frame("b", "behind", angle=60)]
    picks = choose(new, VIEWS, 1, kept)
    assert ids(picks) == ["b"]


def test_a_cell_below_its_minimum_comes_before_emptier_ones():
    quotas = [Quota({"view": "front"}, 4), Quota({"view": "behind"}, 4, minimum=3)]
    kept = spread(["k1", "k2"], "behind")
    assert ids(choose([frame("f", angle=60), frame("b", "behind", angle=70)], quotas, 1, kept)) == ["b"]


def test_nothing_is_added_beyond_a_maximum():
    assert len(choose(spread("abcd"), [Quota({"view": "front"}, 2, maximum=2)], 4)) == 2


def test_a_guide_chooses_among_frames_of_one_place_and_never_between_places():
    quotas = [*VIEWS, Quota({"framing": "close-up"}, 1, guides=True)]
    kept = [frame("k", angle=0)]
    front, close = frame("f", quality=9, angle=50), frame("c", framing="close-up", angle=60)
    picks = choose([front, close], quotas, 1, kept)
    assert [(pick.id, pick.reason) for pick in picks] == [("c", "fills front 1→2")]
    assert ids(choose([close, frame("b", "behind", angle=70)], quotas, 1, kept)) == ["b"]
    full = [frame("k1", angle=0), frame("k2", angle=30)]
    assert choose([close], quotas, 1, full, rules=Rules(only_unmet=True)) == []  # a guide is no place to fill


def test_a_guide_that_is_reached_has_no_say_up_to_its_maximum():
    quotas = [Quota({"view": "front"}, 9), Quota({"framing": "portrait"}, 1, maximum=2, guides=True)]
    frames = [frame("a", quality=1, angle=0), frame("b", framing="close-up", angle=60)]
    assert ids(choose(frames, quotas, 1)) == ["a"]
    assert ids(choose(frames, quotas, 1, [frame("k", angle=20)])) == ["b"]
    assert len(choose(spread("abcd"), quotas, 4)) == 2


def test_facility_location_prefers_spread_to_quality_of_lookalikes():
    close = [frame(f"c{i}", quality=5 - i, angle=12 * i) for i in range(3)]
    far = frame("z", quality=0, angle=90)
    assert "z" in ids(choose([*close, far], [Quota({"view": "front"}, 4)], 2))


def test_quality_decides_among_equally_diverse_frames():
    a, b = frame("a", quality=1, angle=-60), frame("b", quality=2, angle=60)
    assert ids(choose([a, b], [Quota({"view": "front"}, 2)], 1)) == ["b"]


def test_new_frames_differ_from_the_seeds():
    near, far = frame("a", quality=9, angle=2), frame("z", quality=0, angle=80)
    assert ids(choose([near, far], [], 1, near=[at(0)])) == ["z"]


def test_at_most_two_frames_a_prompt():
    frames = [frame(f"f{i}", angle=20 * i, prompt="same") for i in range(4)]
    assert len(choose(frames, [], 4)) == 2
    assert len(choose(frames, [], 4, rules=Rules(a_prompt=3))) == 3


def test_near_duplicates_never_both_count():
    twins = [frame("a", angle=0, quality=1), frame("b", angle=0.5, quality=2)]
    assert ids(choose(twins, [], 2)) == ["b"]
    hashed = [frame("a", angle=0, hash=0b1011), frame("b", angle=80, hash=0b1010)]
    assert len(choose(hashed, [], 2)) == 1


def test_among_equals_the_tie_breaker_decides_and_nothing_before_it():
    equal = [frame("a", angle=40), replace(frame("b", angle=40), tie_breaker=1.0)]
    assert ids(choose(equal, [], 1)) == ["b"]
    better = [frame("a", angle=40, quality=0.1), replace(frame("b", angle=40), tie_breaker=9.0)]
    assert ids(choose(better, [], 1)) == ["a"]
    assert ids(provisional(equal, [Quota({"view": "front"}, 9)], 1, spread([f"k{i}" for i in range(3)]))) == ["b"]


def test_locked_frames_are_taken_whatever_the_caps_say():
    frames = [frame("a", quality=9), frame("z", angle=0.5, locked=True)]
    picks = choose(frames, [Quota({"view": "front"}, 1, maximum=1)], 2)
    assert ids(picks) == ["z"]
    assert picks[0].reason == "locked: kept by a person"


def test_the_order_of_the_input_does_not_matter_and_ties_go_to_the_smaller_id():
    frames = [frame(name, angle=angle) for name, angle in (("b", 40), ("a", 40), ("c", 140))]
    picks = choose(frames, [Quota({"view": "front"}, 3)], 3)
    assert picks == choose(frames[::-1], [Quota({"view": "front"}, 3)], 3)
    assert "b" not in ids(picks)


def test_beyond_all_quotas_a_frame_adds_variety_unless_only_unmet_is_asked():
    assert choose(spread("a"), [], 1)[0].reason == "adds variety"
    assert choose(spread("a"), [], 1, rules=Rules(only_unmet=True)) == []


def test_nothing_to_choose_from():
    assert choose([], VIEWS, 3) == []
    assert choose(spread("a"), VIEWS, 0) == []


def test_provisional_frames_fill_empty_places_best_first_within_their_share():
    kept = spread([f"k{i}" for i in range(9)])
    quotas = [Quota({"view": "front"}, 9), Quota({"view": "behind"}, 9)]
    undecided = [frame(f"u{i}", "behind", angle=100 + 10 * i, quality=i) for i in range(6)]
    picks = provisional([*undecided, frame("f", quality=99, angle=170)], quotas, 9, kept)
    assert ids(picks) == ["u5", "u4", "u3"]  # 3 of 12 are a quarter
    assert picks[0].reason == "provisional: fills behind 0→1"


def test_no_provisional_frame_without_kept_ones():
    assert provisional(spread("ab", "behind"), VIEWS, 2, []) == []


def test_who_is_not_chosen_hears_why():
    chosen = spread(["a", "b"], prompt="same")
    full, rules = [Quota({"view": "front"}, 2, maximum=2), Quota({"view": "behind"}, 2, maximum=2)], Rules()
    assert why_not(frame("z", angle=0.5), chosen, full, rules) == "near-duplicate of a"
    assert why_not(frame("z", angle=90), chosen, full, rules) == "passes; front is full: 2"
    same = frame("z", "behind", angle=90, prompt="same")
    assert why_not(same, chosen, full, rules) == "passes; 2 of its prompt are in the set"
    assert why_not(frame("z", "behind", angle=90), chosen, full, rules) == "passes; no place is left"
