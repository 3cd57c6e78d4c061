"""From raw values to decisions: normalise against decoys, take the weakest scorer, rank, control false accepts.

Everything happens inside one view family, where scores are comparable. Decoys are the null distribution: pictures of
the same shots that are *not* the character. Pure functions of numbers; knows no picture and no model.

Sources: Z-norm, Auckenthaler et al. 2000; conformal p-values and Benjamini-Hochberg on them, Bates et al. 2023
(arXiv 2104.08279) and, for calibration on confirmed non-targets, Choi 2026 (arXiv 2606.22336).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from scoring.base import Measurement

Id = TypeVar("Id", bound=Hashable)
Floats = NDArray[np.float64]
Tail = Literal["empirical", "smooth"]
Calibrating = Literal["exchanged", "lookalikes", "both"]
"""Which kind of decoys is the null distribution; see `judge`."""

FEWEST = 20
"""Fewer decoys than this cannot calibrate a scorer or a set of scorers."""
DIFFER_AT = 0.05
"""Level of the test whether two kinds of decoys differ."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Where a frame stands among the decoys of its view_family.

    ``score`` is the weakest applicable scorer's normalised value (decoy deviations above the decoys' mean); ``p`` the
    chance of a decoy scoring as high; ``weakest`` that scorer's name; ``scorers`` those that could tell; ``passes``
    whether Benjamini-Hochberg admits it among the frames judged with it. A frame that no scorer could judge has
    ``p`` = 1 and ``weakest`` = "".
    """

    score: float
    p: float
    weakest: str
    scorers: tuple[str, ...]
    passes: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer for one view family: a Ranked for each candidate, and what calibrated it.

    ``against`` is "pooled" (both kinds of decoys agree), "exchanged" (they differ, or no other was given),
    "lookalikes" (only those were given or asked for), "both" (each kind by itself, the larger p), or "nothing" (no
    decoys: every p is 1). ``decoy_scores`` are the decoys' own weakest normalised values over all their applicable
    scorers, for a histogram.
    """

    ranked: dict[Hashable, Ranked]
    against: str
    decoy_scores: tuple[float, ...]


Measured = Mapping[str, Measurement]


def judge(
    candidates: Mapping[Id, Measured],
    lookalikes: Mapping[Hashable, Measured],
    exchanged: Mapping[Hashable, Measured],
    alpha: float,
    tail: Tail = "empirical",
    calibrate_on: Calibrating = "exchanged",
) -> Judged:
    """Rank the candidates of one view family against its decoys (all of them past the same checks).

    Each scorer's value is normalised by mean and deviation over the decoys, a decoy leaving itself out (Z-norm). A
    frame's score is its weakest applicable scorer; it is ranked against the decoys' weakest over the same scorers.

    There is no T half (how alike a picture is to the decoys themselves), though S-norm has one: no kind of decoy has
    both the adapter's style and the character's traits, so every candidate is unlike all of them, true or false; and
    a T value has another scale, so the weakest scorer would always be the one that has it.

    Which kind calibrates: "exchanged" pools both where they agree, and where they differ takes the exchanged ones
    alone, for they were drawn by the adapter under test and share whatever it does to every picture. But they lack the
    character's traits, so a picture beats them by its traits. "lookalikes" takes those alone: they have every trait,
    and only the individual beats them. "both" asks for both: each kind normalises and ranks by itself, and the larger p
    and the smaller score count. A kind that is missing leaves the other to calibrate.

    Args:
        candidates: id → identity scorer → measurement.
        lookalikes: decoys of kind (a); exchanged: of kind (b). Ids are distinct over all three.
        alpha: Benjamini-Hochberg level of ``passes``; see `Gate` for the cumulative one.
        tail: "smooth" for p-values below 1/(n + 1); see `smooth_p`.
        calibrate_on: which kind of decoys calibrates.
    """
    if lookalikes and exchanged and calibrate_on == "both":
        like = judge(candidates, lookalikes, {}, alpha, tail)
        return _stricter(like, judge(candidates, {}, exchanged, alpha, tail), alpha)
    if lookalikes and calibrate_on == "lookalikes":
        exchanged = {}
    decoys = {**lookalikes, **exchanged}
    values = _normalised(candidates, decoys)
    against, null = _calibrating(lookalikes, exchanged, values)
    ranked: dict[Hashable, Ranked] = {}
    for key in candidates:
        scorers = tuple(sorted(values[key]))
        if not scorers or not null:
            ranked[key] = Ranked(-math.inf, 1.0, "", scorers, False)
            continue
        weakest = min(scorers, key=lambda name: (values[key][name], name))
        score = values[key][weakest]
        p = _p_among(score, scorers, [values[d] for d in null], tail)
        ranked[key] = Ranked(score, p, weakest, scorers, False)
    scores = tuple(min(values[d].values()) for d in decoys if values[d])
    return Judged(_admitted(ranked, alpha), against, scores)


def _admitted(ranked: Mapping[Hashable, Ranked], alpha: float) -> dict[Hashable, Ranked]:
    """The same with ``passes`` by Benjamini-Hochberg over all of them."""
    admitted = benjamini_hochberg({key: one.p for key, one in ranked.items()}, alpha)
    return {key: replace(one, passes=key in admitted) for key, one in ranked.items()}


def _stricter(first: Judged, second: Judged, alpha: float) -> Judged:
    """Each candidate by the kind of decoys that it beats less clearly: the larger p, the smaller score."""
    ranked = {}
    for key, one in first.ranked.items():
        pair = sorted((one, second.ranked[key]), key=lambda each: (-each.p, each.score))
        ranked[key] = replace(pair[0], score=min(each.score for each in pair))
    return Judged(_admitted(ranked, alpha), "both", first.decoy_scores + second.decoy_scores)


def _normalised(
    candidates: Mapping[Id, Measured], decoys: Mapping[Hashable, Measured]
) -> dict[Hashable, dict[str, float]]:
    """Every picture's normalised value of each scorer that could tell and has enough decoys to stand against."""
    result: dict[Hashable, dict[str, float]] = {key: {} for key in (*candidates, *decoys)}
    for name in sorted({name for measured in (*candidates.values(), *decoys.values()) for name in measured}):
        null = {k: m[name].value for k, m in decoys.items() if name in m and m[name].value is not None}
        known = {k: v for k, v in null.items() if v is not None}
        if len(known) < min(FEWEST, max(2, len(decoys) // 2)):
            continue
        row = np.array(list(known.values()), np.float64)
        for key, value in known.items():
            rest = _without(row, value)
            result[key][name] = _z_norm(value, rest)
        for key, measured in candidates.items():
            answer = measured.get(name)
            if answer is not None and answer.value is not None:
                stats = (float(row.mean()), float(row.std(ddof=1)))
                result[key][name] = _z_norm(answer.value, stats)
    return result


def _without(row: Floats, value: float) -> tuple[float, float]:
    """Mean and deviation of the row without one entry of that value."""
    n = len(row)
    if n < 3:
        return float(row.mean()), float(row.std(ddof=1))
    mean = (float(row.sum()) - value) / (n - 1)
    spread = float(((row - mean) ** 2).sum()) - (value - mean) ** 2
    return mean, math.sqrt(max(spread, 0.0) / (n - 2))


def _z_norm(value: float, among: tuple[float, float]) -> float:
    floor = 1e-6  # equal decoys: any distance from them counts as large, but stays finite
    return (value - among[0]) / max(among[1], floor)


def _calibrating(
    lookalikes: Collection[Hashable], exchanged: Collection[Hashable], values: Mapping[Hashable, Mapping[str, float]]
) -> tuple[str, list[Hashable]]:
    """Which decoys calibrate, with a name: both kinds pooled when they agree, else the exchanged ones alone."""
    like, other = ([d for d in group if values[d]] for group in (lookalikes, exchanged))
    if not like or not other:
        return ("lookalikes", like) if like else ("exchanged", other) if other else ("nothing", [])
    first, second = (np.array([min(values[d].values()) for d in group]) for group in (like, other))
    return ("exchanged", other) if differ(first, second) else ("pooled", [*like, *other])


def _p_among(score: float, scorers: Sequence[str], decoys: Sequence[Mapping[str, float]], tail: Tail) -> float:
    """p of a score against the decoys' weakest over the same scorers, or over those they have if too few have all."""
    same = [min(d[name] for name in scorers) for d in decoys if all(name in d for name in scorers)]
    if len(same) < min(FEWEST, len(decoys)):
        same = [min(d[name] for name in scorers if name in d) for d in decoys if any(name in d for name in scorers)]
    null = np.array(same, np.float64)
    return smooth_p(score, null) if tail == "smooth" else empirical_p(score, null)


def empirical_p(score: float, null: Floats) -> float:
    """(1 + number of decoys that score at least as high) / (n + 1); 1 without decoys."""
    return (1 + int((null >= score).sum())) / (len(null) + 1)


def smooth_p(score: float, null: Floats, share: float = 0.2) -> float:
    """A p-value that goes on below 1/(n + 1): empirical up to the top ``share`` of decoys, exponential beyond.

    With k exceedances of mean m above the threshold u, p = (k + 1)/(n + 1) · (1 + (score − u)/(k·m))^−k: exact when the
    tail is exponential (the predictive distribution of an exponential whose scale is estimated from k values), too
    large, so on the safe side, for lighter tails (normal, bounded), and too small for heavier ones. Cosines are
    bounded.

    Args:
        score: the normalised value to rank.
        null: decoys' scores, shape (n,).
        share: part of the decoys that is the tail; below 10 of them the empirical value is returned.
    """
    k = math.floor(len(null) * share)
    if k < 10:
        return empirical_p(score, null)
    ordered = np.sort(null)[::-1]
    threshold, mean = float(ordered[k]), float((ordered[:k] - ordered[k]).mean())
    if score <= threshold or mean <= 0:
        return empirical_p(score, null)
    return (k + 1) / (len(null) + 1) * (1 + (score - threshold) / (k * mean)) ** -k


def benjamini_hochberg(p: Mapping[Id, float], alpha: float) -> set[Id]:
    """The ids that Benjamini-Hochberg admits at level ``alpha``: the largest k with the k-th smallest p ≤ alpha·k/m."""
    ordered = sorted(p.values())
    admitted = [k for k, value in enumerate(ordered, 1) if value <= alpha * k / len(ordered) + 1e-12]
    if not admitted:
        return set()
    cut = ordered[admitted[-1] - 1]
    return {key for key, value in p.items() if value <= cut}


def decoys_needed(candidates: int, keeps: int, alpha: float) -> int:
    """Decoys without which ``keeps`` of ``candidates`` cannot pass at ``alpha``: ceil(m / (alpha·k) − 1).

    15 of 60 at 0.05 need 79; 6 of 60 need 199.
    """
    if candidates <= 0 or keeps <= 0:
        return 0
    return max(0, math.ceil(candidates / (alpha * keeps) - 1 - 1e-9))


def differ(a: Sequence[float] | Floats, b: Sequence[float] | Floats, level: float = DIFFER_AT) -> bool:
    """Whether two samples come from different distributions: two-sample Kolmogorov-Smirnov, asymptotic p < ``level``.

    Fewer than FEWEST values on a side are not enough to say so: False.
    """
    first, second = np.sort(np.asarray(a, np.float64)), np.sort(np.asarray(b, np.float64))
    if min(len(first), len(second)) < FEWEST:
        return False
    both = np.concatenate([first, second])
    steps = np.searchsorted(first, both, "right") / len(first) - np.searchsorted(second, both, "right") / len(second)
    root = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    reach = (root + 0.12 + 0.11 / root) * float(np.abs(steps).max())  # Stephens 1970
    p = 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * reach * reach) for k in range(1, 101))
    return bool(p < level)


class Gate:
    """Benjamini-Hochberg per view family, cumulative over a run: earlier keeps stay.

    Args:
        alpha: stated rate of false frames among those admitted.
        earlier: view_family → id → p of every frame judged before (a resumed run gives its stored values).
        kept: ids admitted before; they stay admitted whatever comes.
    """

    def __init__(
        self,
        alpha: float,
        earlier: Mapping[str, Mapping[str, float]] | None = None,
        kept: Collection[str] = (),
    ) -> None:
        self._alpha = alpha
        self._seen = {view_family: dict(ps) for view_family, ps in (earlier or {}).items()}
        self._kept = set(kept)

    def admit(self, view_family: str, p: Mapping[str, float]) -> set[str]:
        """Add frames of a view family with their p; the ids of this family that are admitted now, old and new."""
        seen = self._seen.setdefault(view_family, {})
        seen.update(p)
        self._kept |= benjamini_hochberg(seen, self._alpha)
        return self._kept & seen.keys()
