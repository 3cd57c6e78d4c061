"""What a person's verdicts teach: identity scorers combined by a logistic fit on their p-values, if that is worth it.

The fixed rule believes the weakest scorer. Once a person has judged enough frames, a regularised logistic fit predicts
their word from every scorer's p-value; it counts only where it beats the fixed rule on verdicts that it was not fitted
to. Then a conformal bound says from which score on a frame may be kept. Pure functions of numbers; knows no picture, no
run and no person.

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

from scoring.base import Measurement
from scoring.calibrate import FEWEST, Ranked, empirical_p, smooth_p

__all__ = ["FEWEST_VERDICTS", "Evidence", "Lesson", "Taught", "evidence", "learn", "log_odds", "rank"]

Id = TypeVar("Id", bound=Hashable)
Floats = NDArray[np.float64]
Evidence = tuple[float | None, ...]
"""For each identity scorer, in one order, the log-odds of its p-value (see `log_odds`); None: it could not tell."""

FEWEST_VERDICTS = 30
"""Verdicts below which nothing is learned."""
FOLDS = 5
"""Parts of the cross-validation; each kind of verdict must fill every part."""
PENALTY = 1.0
"""L2 penalty on weights of unit-variance evidence, against the summed log-loss: a prior deviation of 1."""
SUREST = 12.0
"""Log-odds are cut off here: so far beyond the decoys the extrapolated tail says nothing more."""
STEPS = 500
"""Steps of the fit; it is convex, of few dimensions and scaled, so they are far more than enough."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A frame that a person judged: the scorers' evidence, the fixed rule's (its p as log-odds), and the verdict."""

    evidence: Evidence
    rule: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the verdicts taught, and what it is worth.

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
        said = zip(found, self.weights, self.silent, strict=True)
        return self.bias + sum(mute if one is None else one * weight for one, weight, mute in said)


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

    A scorer that fewer than FEWEST decoys (or half of them, if they are fewer) let speak says nothing of any picture.
    """
    rows: dict[Id, list[float | None]] = {key: [] for key in pictures}
    for name in scorers:
        known = {key: value for key, answers in decoys.items() if (value := _value(answers, name)) is not None}
        enough = len(known) >= min(FEWEST, max(2, len(decoys) // 2))
        for key, answers in pictures.items():
            value = _value(answers, name)
            null = np.array([other for decoy, other in known.items() if decoy != key], np.float64)
            told = value is not None and enough
            rows[key].append(log_odds(smooth_p(value, null), len(null)) if told and value is not None else None)
    return {key: tuple(row) for key, row in rows.items()}


def learn(taught: Sequence[Taught], rate: float) -> Lesson | None:
    """The lesson of some verdicts, in a fixed order; None where they are too few, or nearly all alike.

    Args:
        taught: frames that a person judged and the gate could have kept.
        rate: the stated share of frames that are kept although a person would reject them, 0..1.
    """
    kept = np.array([one.kept for one in taught], bool)
    if len(taught) < FEWEST_VERDICTS or min(kept.sum(), (~kept).sum()) < FOLDS:
        return None
    columns, scorers = _columns([one.evidence for one in taught]), len(taught[0].evidence)
    ours, theirs = _held_out(columns, kept, scorers), _by_rule(taught, kept)
    losses = [_losses(scores, kept) for scores in (ours, theirs)]
    gains = losses[1] - losses[0]
    better = bool(gains.mean() > gains.std(ddof=1) / math.sqrt(len(gains)) + 1e-9)
    auc, rule_auc = _auc(ours, kept), _auc(theirs, kept)
    least = _least(ours[~kept], len(taught), rate)
    bias, weights = _fit(columns, kept, scorers)
    return Lesson(
        bias, tuple(weights[:scorers]), tuple(weights[scorers:]), len(taught), int((~kept).sum()),
        float(losses[0].mean()), float(losses[1].mean()), auc, rule_auc,
        used=better and auc >= rule_auc and least < math.inf,
        rate=rate, least=least, wrong=float((~kept & (ours >= least)).mean()),
    )  # fmt: skip


def rank(
    lesson: Lesson,
    candidates: Mapping[Id, Evidence],
    nulls: Sequence[Mapping[Hashable, Evidence]],
    names: Sequence[str],
) -> dict[Id, Ranked]:
    """Each candidate's place among decoys of its view_family by the lesson's score; the largest p over several ``nulls``.

    The lesson was learned from other pictures than the decoys, so p stays what it is: the chance of a decoy scoring as
    high. A candidate that no scorer could judge, or without decoys, has p = 1.
    """
    found = {}
    for key, own in candidates.items():
        scorers = tuple(name for name, one in zip(names, own, strict=True) if one is not None)
        score = lesson.score(own) if scorers else -math.inf
        among = [_p_among(lesson, score, own, list(null.values())) for null in nulls if null]
        p = max(among, default=1.0) if scorers else 1.0
        found[key] = Ranked(score, p, f"{' + '.join(scorers)}, by verdicts" if scorers else "", scorers, False)
    return found


def _p_among(lesson: Lesson, score: float, own: Evidence, decoys: Sequence[Evidence]) -> float:
    """p among decoys by the scorers that speak of the candidate; decoys of which all these speak, if enough."""
    speaking = [one is not None for one in own]
    full = [d for d in decoys if all(d[n] is not None for n, speaks in enumerate(speaking) if speaks)]
    chosen = full if len(full) >= min(FEWEST, len(decoys)) else decoys
    muted = [tuple(one if speaks else None for one, speaks in zip(d, speaking, strict=True)) for d in chosen]
    return empirical_p(score, np.array([lesson.score(one) for one in muted], np.float64))


def _value(answers: Mapping[str, Measurement], name: str) -> float | None:
    answer = answers.get(name)
    return None if answer is None else answer.value


def _columns(rows: Sequence[Evidence]) -> Floats:
    """Evidence (0 where there is none), then a 1 for each scorer that could not tell; shape (rows, 2 · scorers)."""
    return np.array([[*(one or 0.0 for one in row), *(float(one is None) for one in row)] for row in rows], np.float64)


def _held_out(columns: Floats, kept: NDArray[np.bool_], rising: int) -> Floats:
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


def _by_rule(taught: Sequence[Taught], kept: NDArray[np.bool_]) -> Floats:
    """Held-out log-odds by the weakest scorer alone: by the gate's own p or the least of the evidence, the better."""
    weakest = [min((said for said in one.evidence if said is not None), default=0.0) for one in taught]
    each = [_held_out(np.array(row)[:, None], kept, 1) for row in ([one.rule for one in taught], weakest)]
    return min(each, key=lambda scores: float(_losses(scores, kept).mean()))


def _losses(scores: Floats, kept: NDArray[np.bool_]) -> Floats:
    """The log-loss of each verdict under some log-odds."""
    return np.logaddexp(0.0, np.where(kept, -scores, scores))


def _fit(columns: Floats, kept: NDArray[np.bool_], rising: int) -> tuple[float, Floats]:
    """Bias and weights of a penalised logistic fit; the first ``rising`` weights are not negative.

    More evidence for the character never speaks against a frame: a scorer that a person contradicts is left out
    instead of turned round. Accelerated projected gradient (Beck & Teboulle 2009) on columns of unit mean square.
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
