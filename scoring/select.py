"""Choose a set: coverage first, then diversity, then quality. Never a global top-k.

Every candidate has passed the gate already. A greedy choice under quotas; each pick says in words what it is for. Pure
and deterministic: ties go to the larger ``tie_breaker``, then to the smaller id.

The objective is monotone and submodular (capped coverage and facility location), so greedy stays within 1 − 1/e of the
best unconstrained choice (Nemhauser 1978) and 1/2 under the caps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from scoring.duplicates import bits_apart

DIVERSE_ENOUGH = 0.9
"""Candidates with at least this share of the best diversity gain count as equally diverse: quality then decides."""
Need = tuple[float, int]
"""Unmet shares of the quotas that a candidate fills, and how many guides it follows."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A frame that may be chosen.

    ``axes`` maps an axis ("view_family", "framing", "outfit" …) to its value; ``quality`` is larger for better and
    comparable within its stratum; ``embedding`` is a unit vector (d,); ``prompt`` is equal for frames of one prompt;
    ``hash`` is its 64-bit perceptual hash or None; a ``locked`` frame (a person's keep) is in the set whatever happens;
    ``tie_breaker``, larger for better, decides between candidates that are equal in all else.
    """

    id: str
    axes: Mapping[str, str]
    quality: float
    embedding: NDArray[np.float32]
    prompt: str = ""
    locked: bool = False
    hash: int | None = None
    tie_breaker: float = 0.0


@dataclass(frozen=True, slots=True)
class Quota:
    """How many frames of a cell are wanted; a cell fixes one axis ({"outfit": "pajamas"}) or more (view x framing).

    Below ``minimum`` the cell comes before all others; beyond ``maximum`` (None: no limit) nothing is added. A quota
    that only ``guides`` decides among frames that fill the same other quotas, with equal weight for its first frame and
    its last; no frame is chosen for it alone.
    """

    cell: Mapping[str, str]
    target: int
    minimum: int = 0
    maximum: int | None = None
    guides: bool = False

    def holds(self, axes: Mapping[str, str]) -> bool:
        """Whether a frame with these axes counts here."""
        return all(axes.get(axis) == value for axis, value in self.cell.items())

    @property
    def label(self) -> str:
        """The cell in words: "behind/full body"."""
        return "/".join(self.cell.values())


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen frame and why: "fills behind/full body 2→3"."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of a choice: frames a prompt, and when two frames are near-duplicates."""

    a_prompt: int = 2
    duplicate_cosine: float = 0.985
    duplicate_bits: int = 3
    quality_first: bool = False
    """Quality before diversity (for provisional frames, of which the surest are wanted)."""
    only_unmet: bool = False
    """Leave a place empty rather than add a frame that fills no quota."""
    diverse_enough: float = DIVERSE_ENOUGH
    """See `DIVERSE_ENOUGH`: 1 for diversity alone, 0 for quality alone."""


@dataclass
class _Set:
    """What is chosen so far, and what each pick would add."""

    pool: Sequence[Candidate]
    quotas: Sequence[Quota]
    rules: Rules
    kernel: NDArray[np.float64]
    covered: NDArray[np.float64]
    chosen: list[int] = field(default_factory=list)

    def have(self, quota: Quota) -> int:
        """Chosen frames in a cell."""
        return sum(quota.holds(self.pool[i].axes) for i in self.chosen)

    def add(self, place: int) -> None:
        """Take a candidate."""
        self.chosen.append(place)
        self.covered = np.maximum(self.covered, self.kernel[:, place])

    def allowed(self, place: int, counts: Mapping[int, int]) -> bool:
        """Whether the caps and the near-duplicate rule let a candidate in."""
        candidate = self.pool[place]
        for number, quota in enumerate(self.quotas):
            full = quota.maximum is not None and counts[number] >= quota.maximum
            if full and quota.holds(candidate.axes):
                return False
        same = sum(self.pool[i].prompt == candidate.prompt for i in self.chosen)
        if candidate.prompt and same >= self.rules.a_prompt:
            return False
        return not any(alike(candidate, self.pool[i], self.rules) for i in self.chosen)

    def diversity(self, place: int) -> float:
        """What a candidate adds to the facility location: how much better the pool is represented, a frame."""
        return float(np.maximum(self.kernel[:, place] - self.covered, 0).mean())


def alike(a: Candidate, b: Candidate, rules: Rules) -> bool:
    """Whether two frames are near-duplicates, by hash or by embedding."""
    hashed = a.hash is not None and b.hash is not None and bits_apart(a.hash, b.hash) <= rules.duplicate_bits
    return hashed or float(a.embedding @ b.embedding) >= rules.duplicate_cosine


def choose(
    candidates: Sequence[Candidate],
    quotas: Sequence[Quota],
    places: int,
    kept: Sequence[Candidate] = (),
    near: Sequence[NDArray[np.float32]] = (),
    rules: Rules | None = None,
) -> list[Pick]:
    """Choose at most ``places`` more frames, the most needed first.

    Each step takes, among the candidates that the caps allow: the ones that fill the largest unmet share of quotas
    (cells below their minimum before all), of these the ones that follow most guides, of these the ones that add most
    diversity, of these the best quality.

    Args:
        candidates: frames past the gate; locked ones are taken before all and do not obey caps.
        quotas: wanted cells.
        places: how many to add, locked ones included.
        kept: frames that are in the set already; they count first and are not returned.
        near: unit vectors (the seeds') that new frames should differ from.
        rules: limits.
    """
    rules = rules or Rules()
    taken = {candidate.id for candidate in kept}
    fresh = sorted((c for c in candidates if c.id not in taken), key=lambda c: c.id)
    state = _begin([*kept, *fresh], len(kept), quotas, near, rules)
    open_places = set(range(len(kept), len(state.pool)))
    picks: list[Pick] = []
    for place in sorted(open_places):
        if state.pool[place].locked and len(picks) < places:
            picks.append(Pick(state.pool[place].id, "locked: kept by a person"))
            state.add(place)
            open_places.discard(place)
    while len(picks) < places:
        step = _next(state, open_places)
        if step is None:
            break
        place, reason = step
        state.add(place)
        open_places.discard(place)
        picks.append(Pick(state.pool[place].id, reason))
    return picks


def _begin(
    pool: list[Candidate], kept: int, quotas: Sequence[Quota], near: Sequence[NDArray[np.float32]], rules: Rules
) -> _Set:
    if not pool:
        return _Set(pool, quotas, rules, np.zeros((0, 0)), np.zeros(0))
    rows = np.stack([candidate.embedding for candidate in pool]).astype(np.float64)
    covered = np.zeros(len(pool))
    if len(near):
        covered = np.maximum(rows @ np.stack(list(near)).astype(np.float64).T, 0).max(axis=1)
    state = _Set(pool, quotas, rules, np.maximum(rows @ rows.T, 0), covered)
    for place in range(kept):
        state.add(place)
    return state


def _next(state: _Set, open_places: set[int]) -> tuple[int, str] | None:
    """The next pick and its reason, or None when nothing more fits."""
    counts = {n: state.have(quota) for n, quota in enumerate(state.quotas)}
    allowed = [place for place in sorted(open_places) if state.allowed(place, counts)]
    need = {place: _need(state, place, counts) for place in allowed}
    if state.rules.only_unmet:
        allowed = [place for place in allowed if need[place][0] > 0]
    if not allowed:
        return None
    most = max(need[place] for place in allowed)
    rivals = [place for place in allowed if need[place] == most]
    if state.rules.quality_first:
        best = max(rivals, key=lambda p: (state.pool[p].quality, state.diversity(p), state.pool[p].tie_breaker, -p))
    else:
        gains = {place: state.diversity(place) for place in rivals}
        enough = state.rules.diverse_enough * max(gains.values())
        good = [place for place in rivals if gains[place] >= enough]
        best = max(good, key=lambda p: _rank(state.pool[p], gains[p], p))
    return best, _reason(state, best, counts)


def _rank(candidate: Candidate, gain: float, place: int) -> tuple[float, float, float, int]:
    """What decides between candidates that are diverse enough; gains come from vectors of single precision."""
    return candidate.quality, round(gain, 6), candidate.tie_breaker, -place


def _need(state: _Set, place: int, counts: Mapping[int, int]) -> Need:
    """What a candidate would fill; a cell below its minimum counts 100 more."""
    axes = state.pool[place].axes
    total, guides = 0.0, 0
    for n, quota in enumerate(state.quotas):
        if counts[n] < quota.minimum and quota.holds(axes):
            total += 100.0
        if counts[n] < quota.target and quota.holds(axes):
            guides += quota.guides
            total += 0.0 if quota.guides else (quota.target - counts[n]) / quota.target
    return round(total, 9), guides


def _reason(state: _Set, place: int, counts: Mapping[int, int]) -> str:
    """In words, the quota that a pick fills: the emptiest one, of several the most exact cell."""
    axes = state.pool[place].axes
    filled = []
    for number, quota in enumerate(state.quotas):
        unmet = counts[number] < max(quota.target, quota.minimum)
        if quota.target and not quota.guides and unmet and quota.holds(axes):
            filled.append(((quota.target - counts[number]) / quota.target, len(quota.cell), -number))
    if not filled:
        return "adds variety"
    n = -max(filled)[2]
    return f"fills {state.quotas[n].label} {counts[n]}→{counts[n] + 1}"


def why_not(candidate: Candidate, chosen: Sequence[Candidate], quotas: Sequence[Quota], rules: Rules) -> str:
    """In words, why a frame past the gate is not among the chosen: what it repeats, or which limit is reached."""
    if twin := twin_of(candidate, chosen, rules):
        return f"near-duplicate of {twin}"
    for quota in quotas:
        if quota.maximum is not None and quota.holds(candidate.axes):
            count = sum(quota.holds(one.axes) for one in chosen)
            if count >= quota.maximum:
                return f"passes; {quota.label} is full: {count}"
    same = sum(one.prompt == candidate.prompt for one in chosen)
    if candidate.prompt and same >= rules.a_prompt:
        return f"passes; {same} of its prompt are in the set"
    return "passes; no place is left"


def twin_of(candidate: Candidate, chosen: Sequence[Candidate], rules: Rules) -> str:
    """The id of a chosen frame that a candidate is a near-duplicate of; "" if there is none."""
    return next((one.id for one in chosen if alike(candidate, one, rules)), "")


def provisional(
    candidates: Sequence[Candidate],
    quotas: Sequence[Quota],
    places: int,
    kept: Sequence[Candidate],
    share: float = 0.25,
    rules: Rules | None = None,
) -> list[Pick]:
    """The best undecided frames for places that are still empty at the very end, best quality first.

    They only fill unmet quotas, and are at most ``share`` of the set that results.

    Args:
        candidates: undecided frames whose view and visible traits check out.
        quotas: as in `choose`.
        places: empty places.
        kept: the frames in the set.
        share: largest part of the finished set, 0 ≤ share < 1.
        rules: limits, as in `choose`.
    """
    given = rules or Rules()
    strict = replace(given, quality_first=True, only_unmet=True)
    most = min(places, math.floor(share / (1 - share) * len(kept) + 1e-9))
    return [Pick(pick.id, f"provisional: {pick.reason}") for pick in choose(candidates, quotas, most, kept, (), strict)]
