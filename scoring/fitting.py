"""Identity scorers combined by a logistic fit of their p-values to a person's verdicts, where that predicts better.

The fixed rule ranks a frame by its weakest scorer. Once a person has judged enough frames, a regularised logistic fit
predicts their verdict from every scorer's p-value; it is used only where it beats the fixed rule on verdicts that it
was not fitted to. A conformal bound then gives the score from which on a frame may be kept. Pure functions of numbers;
knows no picture, no run and no person.

Sources: conformal risk control, Angelopoulos et al. 2022 (arXiv 2208.02814, ICLR 2024); with scores of cross-validation
instead of a calibration set of its own, Cohen et al. 2024 (arXiv 2401.11974).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from scoring.calibrate import FEWEST, Ranked, empirical_p, smooth_p
from scoring.measurement import Measurement

__all__ = [
    "FEWEST_VERDICTS",
    "Evidence",
    "FittedScore",
    "JudgedFrame",
    "evidence",
    "fit_verdicts",
    "log_odds",
    "rank_by_fit",
]

Id = TypeVar("Id", bound=Hashable)
Floats = NDArray[np.float64]
Evidence = tuple[float | None, ...]
"""For each identity scorer, in one order, the log-odds of its p-value (see `log_odds`); None: it could not tell."""

FEWEST_VERDICTS = 30
"""Fewer verdicts than this are not fitted."""
FOLDS = 5
"""Parts of the cross-validation; each kind of verdict must fill every part."""
PENALTY = 1.0
"""L2 penalty on weights of unit-variance evidence, against the summed log-loss: a prior deviation of 1."""
SUREST = 12.0
"""Log-odds are cut off here: so far beyond the decoys the extrapolated tail says nothing more."""
STEPS = 500
"""Steps of the fit; it is convex, of few dimensions and scaled, so they are far more than enough."""


@dataclass(frozen=True, slots=True)
class JudgedFrame:
    """A frame that a person judged: the scorers' evidence, the fixed rule's (its p as log-odds), and the verdict."""

    evidence: Evidence
    rule: float
    kept: bool


@dataclass(frozen=True, slots=True)
class FittedScore:
    """A logistic score fitted to verdicts, and how well it predicts them.

    ``weights`` multiply the evidence of each scorer; ``silent`` is added instead where a scorer could not tell.
    ``loss`` and ``auc`` are cross-validated, of the fit and of the fixed rule (``rule_…``: the weakest scorer alone,
    fitted to the same verdicts with one weight); ``used`` says whether the fit beats the rule. ``least`` is the score
    (log-odds that a person keeps the frame) from which on a frame may be kept so that, among frames like those judged,
    at most ``rate`` are kept although a person would reject them; ``wrong`` is that share among the verdicts.
    """

    bias: float
    weights: tuple[float, ...]
    silent: tuple[float, ...]
    verdicts: int
    rejected: int
    loss: float
    rule_loss: float
    auc: float
    rule_auc: float
    used: bool
    rate: float
    least: float
    wrong: float

    def score(self, found: Evidence) -> float:
        """Log-odds that a person keeps a frame with this evidence."""
        total = 0.0
        for one, weight, silent in zip(found, self.weights, self.silent, strict=True):
            total += silent if one is None else one * weight
        return self.bias + total


def log_odds(p: float, decoys: int) -> float:
    """log((1 − p)/p): above 0 where a picture is likelier the character than its median decoy; finite for p = 1."""
    most = (decoys + 0.5) / (decoys + 1)
    p = min(max(p, 1e-300), most)
    return min(math.log((1 - p) / p), SUREST)


def evidence(
    pictures: Mapping[Id, Mapping[str, Measurement]],
    decoys: Mapping[Hashable, Mapping[str, Measurement]],
    scorers: Sequence[str],
) -> dict[Id, Evidence]:
    """Each picture's evidence against the decoys of its view family; a decoy among the pictures leaves itself out.

    A scorer that could judge fewer than FEWEST decoys (or half of them, if they are fewer) gives no evidence at all.
    """
    columns = [_column(pictures, decoys, name) for name in scorers]
    return {key: tuple(column[key] for column in columns) for key in pictures}


def _column(
    pictures: Mapping[Id, Mapping[str, Measurement]], decoys: Mapping[Hashable, Mapping[str, Measurement]], name: str
) -> dict[Id, float | None]:
    """The evidence of one scorer for each picture."""
    null = {key: value for key, answers in decoys.items() if (value := _value(answers, name)) is not None}
    if len(null) < min(FEWEST, max(2, len(decoys) // 2)):
        return dict.fromkeys(pictures)
    column: dict[Id, float | None] = {}
    for key, answers in pictures.items():
        value = _value(answers, name)
        others = np.array([other for decoy, other in null.items() if decoy != key], np.float64)
        column[key] = None if value is None else log_odds(smooth_p(value, others), len(others))
    return column


def fit_verdicts(frames: Sequence[JudgedFrame], rate: float) -> FittedScore | None:
    """The fit to some verdicts, in a fixed order; None where they are too few, or nearly all alike.

    Args:
        frames: frames that a person judged and the gate could have kept.
        rate: the stated share of frames that are kept although a person would reject them, 0..1.
    """
    kept = np.array([frame.kept for frame in frames], bool)
    if len(frames) < FEWEST_VERDICTS or min(kept.sum(), (~kept).sum()) < FOLDS:
        return None
    columns, scorers = _columns([frame.evidence for frame in frames]), len(frames[0].evidence)
    fitted, fixed = _cross_validated(columns, kept, scorers), _by_rule(frames, kept)
    losses, rule_losses = _losses(fitted, kept), _losses(fixed, kept)
    gains = rule_losses - losses
    better = bool(gains.mean() > gains.std(ddof=1) / math.sqrt(len(gains)) + 1e-9)
    auc, rule_auc = _auc(fitted, kept), _auc(fixed, kept)
    least = _least(fitted[~kept], len(frames), rate)
    bias, weights = _fit(columns, kept, scorers)
    return FittedScore(
        bias=bias,
        weights=tuple(weights[:scorers]),
        silent=tuple(weights[scorers:]),
        verdicts=len(frames),
        rejected=int((~kept).sum()),
        loss=float(losses.mean()),
        rule_loss=float(rule_losses.mean()),
        auc=auc,
        rule_auc=rule_auc,
        used=better and auc >= rule_auc and least < math.inf,
        rate=rate,
        least=least,
        wrong=float((~kept & (fitted >= least)).mean()),
    )


def rank_by_fit(
    fit: FittedScore,
    candidates: Mapping[Id, Evidence],
    nulls: Sequence[Mapping[Hashable, Evidence]],
    names: Sequence[str],
) -> dict[Id, Ranked]:
    """Each candidate's place among decoys of its view family by the fitted score; the largest p over ``nulls``.

    The score was fitted to other pictures than the decoys, so p stays what it is: the chance of a decoy scoring as
    high. A candidate that no scorer could judge, or without decoys, has p = 1.
    """
    found = {}
    for key, own in candidates.items():
        scorers = tuple(name for name, one in zip(names, own, strict=True) if one is not None)
        if not scorers:
            found[key] = Ranked(-math.inf, 1.0, "", scorers)
            continue
        score = fit.score(own)
        p = max((_p_among(fit, score, own, list(null.values())) for null in nulls if null), default=1.0)
        found[key] = Ranked(score, p, f"{' + '.join(scorers)}, by verdicts", scorers)
    return found


def _p_among(fit: FittedScore, score: float, own: Evidence, decoys: Sequence[Evidence]) -> float:
    """p among decoys by the candidate's applicable scorers; among decoys that have all of these, where enough do."""
    applicable = [place for place, one in enumerate(own) if one is not None]
    full = [decoy for decoy in decoys if all(decoy[place] is not None for place in applicable)]
    chosen = full if len(full) >= min(FEWEST, len(decoys)) else decoys
    scores = [fit.score(_only(decoy, applicable)) for decoy in chosen]
    return empirical_p(score, np.array(scores, np.float64))


def _only(found: Evidence, places: Sequence[int]) -> Evidence:
    """Evidence with that of all other scorers left out."""
    return tuple(one if place in places else None for place, one in enumerate(found))


def _value(answers: Mapping[str, Measurement], name: str) -> float | None:
    answer = answers.get(name)
    return None if answer is None else answer.value


def _columns(rows: Sequence[Evidence]) -> Floats:
    """Evidence (0 where there is none), then a 1 for each scorer that could not tell; shape (rows, 2 · scorers)."""
    return np.array([[*(one or 0.0 for one in row), *(float(one is None) for one in row)] for row in rows], np.float64)


def _cross_validated(columns: Floats, kept: NDArray[np.bool_], rising: int) -> Floats:
    """Log-odds of each verdict by a fit to the other parts; parts hold both kinds of verdicts in their proportion."""
    parts, scores = np.zeros(len(kept), np.int64), np.zeros(len(kept), np.float64)
    for kind in (True, False):
        places = np.flatnonzero(kept == kind)
        parts[places] = np.arange(len(places)) % FOLDS
    for part in range(FOLDS):
        others, own = parts != part, parts == part
        bias, weights = _fit(columns[others], kept[others], rising)
        scores[own] = bias + columns[own] @ weights
    return scores


def _by_rule(frames: Sequence[JudgedFrame], kept: NDArray[np.bool_]) -> Floats:
    """Cross-validated log-odds by the weakest scorer alone: by the gate's own p or the least evidence, the better."""
    weakest = [min((one for one in frame.evidence if one is not None), default=0.0) for frame in frames]
    each = [_cross_validated(np.array(row)[:, None], kept, 1) for row in ([frame.rule for frame in frames], weakest)]
    return min(each, key=lambda scores: float(_losses(scores, kept).mean()))


def _losses(scores: Floats, kept: NDArray[np.bool_]) -> Floats:
    """The log-loss of each verdict under some log-odds."""
    return np.logaddexp(0.0, np.where(kept, -scores, scores))


def _fit(columns: Floats, kept: NDArray[np.bool_], rising: int) -> tuple[float, Floats]:
    """Bias and weights of a penalised logistic fit; the first ``rising`` weights are not negative.

    More evidence for the character never counts against a frame: a scorer that a person contradicts gets weight 0
    instead of a negative one. Accelerated projected gradient (Beck & Teboulle 2009) on columns of unit mean square.
    """
    scale = np.sqrt((columns**2).mean(axis=0))
    scale[scale == 0] = 1.0
    table = np.column_stack([np.ones(len(kept)), columns / scale])
    penalty = np.array([0.0, *[PENALTY] * columns.shape[1]])
    step = 1 / (0.25 * float(np.linalg.norm(table, 2)) ** 2 + PENALTY)
    sign = np.where(kept, 1.0, -1.0)
    now = ahead = np.zeros(table.shape[1])
    pace = 1.0
    for _ in range(STEPS):
        pull = sign * np.exp(-np.logaddexp(0.0, sign * (table @ ahead)))
        moved = ahead + step * (table.T @ pull - penalty * ahead)
        moved[1 : 1 + rising] = np.maximum(moved[1 : 1 + rising], 0.0)
        faster = (1 + math.sqrt(1 + 4 * pace * pace)) / 2
        ahead = moved + (pace - 1) / faster * (moved - now)
        now, pace = moved, faster
    return float(now[0]), now[1:] / scale


def _auc(scores: Floats, kept: NDArray[np.bool_]) -> float:
    """Chance that a kept frame scores above a rejected one; ties count half."""
    apart = scores[kept][:, None] - scores[~kept][None, :]
    return float(((apart > 0) + 0.5 * (apart == 0)).mean())


def _least(rejected: Floats, judged: int, rate: float) -> float:
    """The lowest score from which on (rejected frames at or above it + 1)/(judged + 1) is at most ``rate``.

    That is conformal risk control for the loss "kept, and a person rejects it", which lies in 0..1 and falls as the
    score rises; inf where the verdicts are too few to state the rate at all.
    """
    allowed = math.floor(rate * (judged + 1) - 1 + 1e-9)
    if allowed < 0:
        return math.inf
    above = np.sort(rejected)[::-1]
    return float(np.nextafter(above[allowed], math.inf)) if allowed < len(above) else -math.inf
