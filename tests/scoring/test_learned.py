"""Verdicts teach the gate: only when there are enough, only when it is worth it, and at a stated rate."""

import math

import numpy as np
import pytest

from scoring.base import Measurement, not_applicable
from scoring.calibrate import empirical_p
from scoring.learned import FEWEST_VERDICTS, Taught, evidence, learn, log_odds, rank

NAMES = ("clip", "face")


def verdicts(count, seed=0, by=1, noise=0.5, silent=0.0):
    """Frames that a person keeps by one scorer (``by``) while the other says nothing; the rule takes the weaker."""
    random, rows = np.random.default_rng(seed), []
    for _ in range(count):
        row = list(random.normal(0, 2, 2))
        kept = bool(row[by] + random.normal(0, noise) > 0)
        weakest = min(row)
        if random.random() < silent:
            row[1 - by] = None
        rows.append(Taught(tuple(row), weakest, kept))
    return rows


def test_few_verdicts_or_all_alike_teach_nothing():
    assert learn(verdicts(FEWEST_VERDICTS - 1), 0.2) is None
    assert learn([Taught((1.0, 1.0), 1.0, True)] * 60, 0.2) is None


def test_a_scorer_that_the_person_follows_is_found_and_beats_the_weakest():
    lesson = learn(verdicts(80), 0.2)
    assert lesson.used
    assert lesson.weights[1] > 3 * lesson.weights[0]
    assert lesson.loss < lesson.rule_loss
    assert lesson.auc > lesson.rule_auc


def test_verdicts_by_the_weakest_scorer_change_nothing():
    """Where a person judges as the fixed rule does, or at random, there is nothing to gain."""
    random = np.random.default_rng(3)
    rows = [tuple(random.normal(0, 2, 2)) for _ in range(60)]
    assert not learn([Taught(row, min(row), min(row) > 0) for row in rows], 0.2).used
    assert not learn([Taught(row, min(row), bool(random.random() > 0.5)) for row in rows], 0.2).used


def test_a_scorer_that_is_contradicted_is_left_out_not_turned_round():
    rows = [Taught((-one.evidence[1], one.evidence[1]), one.rule, one.kept) for one in verdicts(80)]
    lesson = learn(rows, 0.2)
    assert lesson.weights[0] == 0.0
    assert lesson.weights[1] > 0


def test_silence_is_neither_zero_nor_an_end():
    lesson = learn(verdicts(120, silent=0.4), 0.2)
    assert lesson.used
    assert math.isfinite(lesson.score((None, 2.0)))
    assert lesson.score((None, 2.0)) > lesson.score((None, -2.0))


def test_the_same_verdicts_teach_the_same():
    assert learn(verdicts(50), 0.2) == learn(verdicts(50), 0.2)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_frames_kept_that_a_person_would_reject_stay_below_the_stated_rate(rate):
    """Over many draws of verdicts and of new frames like them, the mean share is at most the stated rate."""
    wrong = []
    for seed in range(25):
        lesson = learn(verdicts(60, seed, noise=3.0), rate)
        new = verdicts(200, seed + 1000, noise=3.0)
        wrong.append(np.mean([lesson.score(one.evidence) >= lesson.least and not one.kept for one in new]))
    assert np.mean(wrong) <= rate + 0.015
    assert np.mean(wrong) > rate / 3, "the bound is not empty either"


def test_a_rate_that_so_few_verdicts_cannot_state_is_not_stated():
    lesson = learn(verdicts(40), 0.02)
    assert lesson.least == math.inf
    assert not lesson.used


def values(clip, face=None):
    return {"clip": Measurement(clip), "face": not_applicable("no face") if face is None else Measurement(face)}


def test_evidence_is_the_log_odds_of_p_and_a_decoy_leaves_itself_out():
    decoys = {n: values(n / 30, n / 30 if n % 2 else None) for n in range(30)}
    found = evidence({"high": values(2.0), "middle": values(0.5), **decoys}, decoys, NAMES)
    assert found["high"] == (pytest.approx(log_odds(1 / 31, 30)), None)
    assert abs(found["middle"][0]) < 0.3
    assert found[29][0] == pytest.approx(log_odds(1 / 30, 29))
    few = evidence({"high": values(2.0, 2.0)}, {n: values(n, 1.0 if n < 5 else None) for n in range(60)}, NAMES)
    assert few["high"][1] is None, "five decoys cannot calibrate a scorer"
    assert math.isfinite(log_odds(1.0, 30))


def test_ranks_are_p_values_of_the_learned_score_among_decoys():
    lesson, random = learn(verdicts(80), 0.2), np.random.default_rng(5)
    null = {n: tuple(random.normal(0, 2, 2)) for n in range(200)}
    candidates = {"good": (0.0, 9.0), "poor": (9.0, -3.0), "half": (None, 9.0), "mute": (None, None)}
    ranks = rank(lesson, candidates, [null], NAMES)
    assert ranks["good"].p == pytest.approx(1 / 201)
    assert ranks["poor"].p > 0.5
    assert ranks["half"].scorers == ("face",)
    assert (ranks["mute"].p, ranks["mute"].weakest) == (1.0, "")
    drawn = [lesson.score(one) for one in null.values()]
    ps = [empirical_p(lesson.score(tuple(random.normal(0, 2, 2))), np.array(drawn)) for _ in range(400)]
    assert abs(np.mean([p <= 0.2 for p in ps]) - 0.2) < 0.07
    assert rank(lesson, candidates, [], NAMES)["good"].p == 1.0
