"""Verdicts teach the gate: after enough of a person's words a fit on the p-values takes the place of the fixed rule.

It does so only where it is better, told by cross-validation, and it never keeps what the fixed rate of false accepts
forbids. Whether it is used follows from the rows alone, so a round that is played again decides the same; what it was
worth is stored and told. Which fit that is, is `scoring.fitting`'s.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict

from bootstrap.records import Frame, Verdict, VerdictKind
from bootstrap.store.decisions import VerdictFit
from bootstrap.store.person import PERSON
from loops.engine import Engine
from loops.strata import Stratum, strata
from scoring.base import Measurement
from scoring.calibrate import Ranked
from scoring.fitting import Evidence, FittedScore, JudgedFrame, evidence, fit_verdicts, log_odds, rank_by_fit

__all__ = ["DOUBTED", "by_verdicts"]

DOUBTED = "a person would likely reject it, by the verdicts so far"
RELATIVE = frozenset({"duplicate"})
"""Reasons that say nothing of the picture itself: of two alike the other may be kept."""
Measured = Mapping[str, Mapping[str, Measurement]]
Ranks = dict[str, Ranked]


def by_verdicts(
    engine: Engine, frames: Sequence[Frame], ranks: Ranks, measured: Measured, number: int, wave: int
) -> tuple[Ranks, set[str]]:
    """The ranks of these frames as verdicts teach them, and those that a person would likely reject.

    ``ranks`` are the fixed rule's; they come back unchanged while verdicts are few, or teach nothing better.
    """
    verdicts, names = engine.store.verdicts(), engine.judges.identity
    judged = [f for f in frames if f.job.round and _speaks(verdicts.get(f.job.id))]
    if not judged:
        return ranks, set()
    groups = list(strata(engine, frames, measured))
    found = {id: one for group in groups for id, one in _evidence(group, group.candidates, names).items()}
    decoys = max((len(null) for group in groups for null in group.nulls), default=0)
    judged_frames = [
        JudgedFrame(found[id], log_odds(ranks[id].p, decoys), verdicts[id].kind is VerdictKind.KEEP)
        for id in (frame.job.id for frame in judged)
        if id in ranks and any(one is not None for one in found[id])
    ]
    fit = fit_verdicts(judged_frames, engine.config.loop.gate_level)
    if fit is None:
        return ranks, set()
    _tell(engine, fit, names, number, wave)
    if not fit.used:
        return ranks, set()
    learned: Ranks = {}
    for group in groups:
        nulls = [_evidence(group, null, names) for null in group.nulls]
        ours = {str(id): found[id] for id in group.candidates}
        learned |= rank_by_fit(fit, ours, nulls, names)
    return learned, {id for id, one in learned.items() if one.weakest and one.score < fit.least}


def _speaks(verdict: Verdict | None) -> bool:
    """Whether a verdict is a person's, and of the picture itself."""
    return verdict is not None and verdict.by == PERSON and not (verdict.reasons and set(verdict.reasons) <= RELATIVE)


def _evidence(
    group: Stratum, pictures: Mapping[Hashable, Mapping[str, Measurement]], names: Sequence[str]
) -> dict[Hashable, Evidence]:
    """The evidence of some pictures of a stratum; where two kinds of decoys calibrate, the weaker of the two."""
    each = [evidence(pictures, null, names) for null in group.nulls] or [evidence(pictures, {}, names)]
    return {key: tuple(_weaker(said) for said in zip(*(one[key] for one in each), strict=True)) for key in pictures}


def _weaker(said: Sequence[float | None]) -> float | None:
    return min((one for one in said if one is not None), default=None)


def _tell(engine: Engine, fit: FittedScore, names: Sequence[str], number: int, wave: int) -> None:
    """Store what the verdicts taught for this wave and tell it, once each."""
    values = asdict(fit)
    if not math.isfinite(fit.least):
        values["least"] = None
    engine.store.decide(VerdictFit(number, wave, tuple(names), **values))
    worth = (f"log-loss {fit.loss:.3f} against {fit.rule_loss:.3f} of the weakest scorer alone, "
             f"AUC {fit.auc:.2f} against {fit.rule_auc:.2f}, cross-validated")  # fmt: skip
    if fit.used:
        rate = f"at most {fit.rate:.0%} kept that you would reject, among frames like those"
        engine.note(f"{fit.verdicts} verdicts of yours teach the gate ({worth}); {rate}")
    else:
        engine.note(f"{fit.verdicts} verdicts of yours leave the gate as it is ({worth})")
