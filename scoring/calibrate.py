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

from scoring.measurement import Measurement

Id = TypeVar("Id", bound=Hashable)
Floats = NDArray[np.float64]
Calibrating = Literal["exchanged", "lookalikes", "both"]
"""Which kind of decoys is the null distribution; see `judge`."""

FEWEST = 20
"""Fewer decoys than this cannot calibrate a scorer or a set of scorers."""
DIFFER_AT = 0.05
"""Level of the test whether two kinds of decoys differ."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Where a frame stands among the decoys of its view family.

    ``score`` is the weakest applicable scorer's normalised value (decoy deviations above the decoys' mean); ``p`` the
    chance of a decoy scoring as high; ``weakest`` that scorer's name; ``scorers`` those that could tell. A frame that
    no scorer could judge, or without decoys, has ``p`` = 1 and ``weakest`` = "".
    """

    score: float
    p: float
    weakest: str
    scorers: tuple[str, ...]


Measured = Mapping[str, Measurement]


def judge(
    candidates: Mapping[Id, Measured],
    lookalikes: Mapping[Hashable, Measured],
    exchanged: Mapping[Hashable, Measured],
    calibrate_on: Calibrating = "exchanged",
    partial: Collection[str] = (),
) -> dict[Id, Ranked]:
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
        lookalikes: decoys of kind (a). exchanged: decoys of kind (b). Ids are distinct over all three.
        calibrate_on: which kind of decoys calibrates.
        partial: scorers that were asked about some pictures only. A decoy without their value counts by its others,
            which could only stand higher than with it, so the p of a candidate that has one is never too small.
    """
    if lookalikes and exchanged and calibrate_on == "both":
        first = judge(candidates, lookalikes, {}, partial=partial)
        second = judge(candidates, {}, exchanged, partial=partial)
        return {key: _stricter(first[key], second[key]) for key in candidates}
    if lookalikes and calibrate_on == "lookalikes":
        exchanged = {}
    values = _normalised(candidates, {**lookalikes, **exchanged}, partial)
    null = [values[decoy] for decoy in _calibrating(lookalikes, exchanged, values)]
    return {key: _ranked(values[key], null, partial) for key in candidates}


def _ranked(values: Mapping[str, float], null: Sequence[Mapping[str, float]], partial: Collection[str]) -> Ranked:
    """The rank of a picture with these normalised values among decoys."""
    scorers = tuple(sorted(values))
    if not scorers or not null:
        return Ranked(-math.inf, 1.0, "", scorers)
    weakest = min(scorers, key=lambda name: (values[name], name))
    score = values[weakest]
    return Ranked(score, _p_among(score, scorers, null, partial), weakest, scorers)


def _stricter(first: Ranked, second: Ranked) -> Ranked:
    """A candidate by the kind of decoys that it beats less clearly: the larger p, the smaller score."""
    worse = min(first, second, key=lambda each: (-each.p, each.score))
    return replace(worse, score=min(first.score, second.score))


def _normalised(
    candidates: Mapping[Id, Measured], decoys: Mapping[Hashable, Measured], partial: Collection[str]
) -> dict[Hashable, dict[str, float]]:
    """Every picture's normalised value of each scorer that could tell and has enough decoys to stand against."""
    result: dict[Hashable, dict[str, float]] = {key: {} for key in (*candidates, *decoys)}
    names: set[str] = set()
    for measured in (*candidates.values(), *decoys.values()):
        names.update(measured)
    for name in sorted(names):
        null = _values(decoys, name)
        if len(null) < (2 if name in partial else min(FEWEST, max(2, len(decoys) // 2))):
            continue
        row = np.array(list(null.values()), np.float64)
        for decoy, value in null.items():
            result[decoy][name] = _z_norm(value, _without(row, value))
        among = float(row.mean()), float(row.std(ddof=1))
        for candidate, value in _values(candidates, name).items():
            result[candidate][name] = _z_norm(value, among)
    return result


def _values(pictures: Mapping[Id, Measured], name: str) -> dict[Id, float]:
    """A scorer's value of each picture that it could judge."""
    found = {}
    for key, measured in pictures.items():
        answer = measured.get(name)
        if answer is not None and answer.value is not None:
            found[key] = answer.value
    return found


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
) -> list[Hashable]:
    """The decoys that calibrate: both kinds pooled when they agree, else the exchanged ones alone."""
    like = [decoy for decoy in lookalikes if values[decoy]]
    other = [decoy for decoy in exchanged if values[decoy]]
    if not like or not other:
        return like or other
    first, second = (np.array([min(values[decoy].values()) for decoy in group]) for group in (like, other))
    return other if differ(first, second) else [*like, *other]


def _p_among(
    score: float, scorers: Sequence[str], decoys: Sequence[Mapping[str, float]], partial: Collection[str]
) -> float:
    """p of a score against the decoys' weakest over the same scorers, or over those they have if too few have all."""
    needed = [name for name in scorers if name not in partial]
    same = [min(d[name] for name in scorers if name in d) for d in decoys if all(name in d for name in needed)]
    if len(same) < min(FEWEST, len(decoys)):
        same = [min(d[name] for name in scorers if name in d) for d in decoys if any(name in d for name in scorers)]
    return empirical_p(score, np.array(same, np.float64))


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
        alpha: level of the test: among the frames admitted, the stated share of look-alikes.
        kept: ids admitted before; they stay admitted whatever comes.
    """

    def __init__(self, alpha: float, kept: Collection[str] = ()) -> None:
        self._alpha = alpha
        self._seen: dict[str, dict[str, float]] = {}
        self._kept = set(kept)

    def admit(self, view_family: str, p: Mapping[str, float]) -> set[str]:
        """Add frames of a view family with their p; the ids of this family that are admitted now, old and new."""
        seen = self._seen.setdefault(view_family, {})
        seen.update(p)
        self._kept |= benjamini_hochberg(seen, self._alpha)
        return self._kept & seen.keys()
