"""A fit to verdicts: only of enough verdicts, used only where it predicts better, and at a stated rate."""

import math

import numpy as np
import pytest

from scoring.calibrate import empirical_p
from scoring.fitting import FEWEST_VERDICTS, JudgedFrame, evidence, fit_verdicts, log_odds, rank_by_fit
from scoring.measurement import Measurement, not_applicable

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
        rows.append(JudgedFrame(tuple(row), weakest, kept))
    return rows


def test_few_verdicts_or_all_alike_are_not_fitted():
    assert fit_verdicts(verdicts(FEWEST_VERDICTS - 1), 0.2) is None
    assert fit_verdicts([JudgedFrame((1.0, 1.0), 1.0, True)] * 60, 0.2) is None


def test_a_scorer_that_the_person_follows_is_found_and_beats_the_weakest():
    fit = fit_verdicts(verdicts(80), 0.2)
    assert fit.used
    assert fit.weights[1] > 3 * fit.weights[0]
    assert fit.loss < fit.rule_loss
    assert fit.auc > fit.rule_auc


def test_verdicts_by_the_weakest_scorer_change_nothing():
    """Where a person judges as the fixed rule does, or at random, there is nothing to gain."""
    random = np.random.default_rng(3)
    rows = [tuple(random.normal(0, 2, 2)) for _ in range(60)]
    assert not fit_verdicts([JudgedFrame(row, min(row), min(row) > 0) for row in rows], 0.2).used
    assert not fit_verdicts([JudgedFrame(row, min(row), bool(random.random() > 0.5)) for row in rows], 0.2).used


def test_a_scorer_that_is_contradicted_is_left_out_not_turned_round():
    rows = [JudgedFrame((-one.evidence[1], one.evidence[1]), one.rule, one.kept) for one in verdicts(80)]
    fit = fit_verdicts(rows, 0.2)
    assert fit.weights[0] == 0.0
    assert fit.weights[1] > 0


def test_silence_is_neither_zero_nor_an_end():
    fit = fit_verdicts(verdicts(120, silent=0.4), 0.2)
    assert fit.used
    assert math.isfinite(fit.score((None, 2.0)))
    assert fit.score((None, 2.0)) > fit.score((None, -2.0))


def test_the_same_verdicts_give_the_same_fit():
    assert fit_verdicts(verdicts(50), 0.2) == fit_verdicts(verdicts(50), 0.2)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_frames_kept_that_a_person_would_reject_stay_below_the_stated_rate(rate):
    """Over many draws of verdicts and of new frames like them, the mean share is at most the stated rate."""
    wrong = []
    for seed in range(25):
        fit = fit_verdicts(verdicts(60, seed, noise=3.0), rate)
        new = verdicts(200, seed + 1000, noise=3.0)
        wrong.append(np.mean([fit.score(one.evidence) >= fit.least and not one.kept for one in new]))
    assert np.mean(wrong) <= rate + 0.015
    assert np.mean(wrong) > rate / 3, "the bound is not empty either"


def test_a_rate_that_so_few_verdicts_cannot_state_is_not_stated():
    fit = fit_verdicts(verdicts(40), 0.02)
    assert fit.least == math.inf
    assert not fit.used


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


def test_ranks_are_p_values_of_the_fitted_score_among_decoys():
    fit, random = fit_verdicts(verdicts(80), 0.2), np.random.default_rng(5)
    null = {n: tuple(random.normal(0, 2, 2)) for n in range(200)}
    candidates = {"good": (0.0, 9.0), "poor": (9.0, -3.0), "half": (None, 9.0), "mute": (None, None)}
    ranks = rank_by_fit(fit, candidates, [null], NAMES)
    assert ranks["good"].p == pytest.approx(1 / 201)
    assert ranks["poor"].p > 0.5
    assert ranks["half"].scorers == ("face",)
    assert (ranks["mute"].p, ranks["mute"].weakest) == (1.0, "")
    drawn = [fit.score(one) for one in null.values()]
    ps = [empirical_p(fit.score(tuple(random.normal(0, 2, 2))), np.array(drawn)) for _ in range(400)]
    assert abs(np.mean([p <= 0.2 for p in ps]) - 0.2) < 0.07
    assert rank_by_fit(fit, candidates, [], NAMES)["good"].p == 1.0
