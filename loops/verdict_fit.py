"""A person's verdicts fit the gate: after enough of them a fit on the p-values takes the place of the fixed rule.

It does so only where cross-validation finds it better, and it keeps no frame below the score that bounds how many of
the kept a person would reject. Whether it is used follows from the verdicts alone, so a round that is played again
decides the same. The fit itself is `scoring.fitting`'s. Pure: what is stored of a fit, `decision_of` says.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bootstrap.records import Frame, Verdict, VerdictKind
from bootstrap.store.decisions import VerdictFit
from bootstrap.store.person import PERSON
from loops.decoys import Stratum
from scoring.calibrate import Ranked
from scoring.fitting import Evidence, FittedScore, JudgedFrame, evidence, fit_verdicts, log_odds, rank_by_fit
from scoring.measurement import Measurement

__all__ = ["Fitted", "decision_of", "fit_to_verdicts", "note_on"]

RELATIVE = frozenset({"duplicate"})
"""Reasons that say nothing of the picture itself: of two alike the other may be kept."""
Ranks = dict[str, Ranked]
Found = dict[Hashable, Evidence]


@dataclass(frozen=True)
class Fitted:
    """Ranks after the verdicts were fitted, and the frames that a person would likely reject.

    The ranks are the fixed rule's while verdicts are too few (``fit`` is None) or predict no better.
    """

    ranks: Ranks
    doubted: frozenset[str] = frozenset()
    fit: FittedScore | None = None


def fit_to_verdicts(
    frames: Sequence[Frame],
    ranks: Ranks,
    groups: Sequence[Stratum],
    verdicts: Mapping[str, Verdict],
    scorers: Sequence[str],
    level: float,
) -> Fitted:
    """The ranks of ``frames``, in ``groups`` with their decoys, fitted to a person's ``verdicts``.

    ``ranks`` are the fixed rule's; ``level`` is the share of kept frames that a person may reject.
    """
    judged = [frame.job.id for frame in frames if frame.job.round and _counts(verdicts.get(frame.job.id))]
    if not judged:
        return Fitted(ranks)
    found: Found = {}
    for group in groups:
        found |= _evidence(group, group.candidates, scorers)
    decoys = max((len(null) for group in groups for null in group.nulls), default=0)
    examples = []
    for id in judged:
        if id in ranks and any(one is not None for one in found[id]):
            kept = verdicts[id].kind is VerdictKind.KEEP
            examples.append(JudgedFrame(found[id], log_odds(ranks[id].p, decoys), kept))
    fit = fit_verdicts(examples, level)
    if fit is None or not fit.used:
        return Fitted(ranks, fit=fit)
    fitted = _ranks_by(fit, groups, found, scorers)
    doubted = {id for id, one in fitted.items() if one.weakest and one.score < fit.least}
    return Fitted(fitted, frozenset(doubted), fit)


def decision_of(fit: FittedScore, scorers: Sequence[str], number: int, wave: int) -> VerdictFit:
    """The fit of a wave as it is stored."""
    values = asdict(fit)
    if not math.isfinite(fit.least):
        values["least"] = None
    return VerdictFit(number, wave, tuple(scorers), **values)


def note_on(fit: FittedScore) -> str:
    """In one line, how well a fit predicts a person's verdicts, and whether it is used."""
    losses = f"log-loss {fit.loss:.3f} against {fit.rule_loss:.3f} of the weakest scorer alone"
    compared = f"{losses}, AUC {fit.auc:.2f} against {fit.rule_auc:.2f}, cross-validated"
    if not fit.used:
        return f"{fit.verdicts} verdicts of yours leave the gate as it is ({compared})"
    rate = f"at most {fit.rate:.0%} kept that you would reject, among frames like those"
    return f"the gate is fitted to {fit.verdicts} verdicts of yours ({compared}); {rate}"


def _counts(verdict: Verdict | None) -> bool:
    """Whether a verdict is a person's, and about the picture itself."""
    if verdict is None or verdict.by != PERSON:
        return False
    return not verdict.reasons or not set(verdict.reasons) <= RELATIVE


def _ranks_by(fit: FittedScore, groups: Sequence[Stratum], found: Found, scorers: Sequence[str]) -> Ranks:
    """Each candidate's place among the decoys of its group by the fitted score."""
    ranks: Ranks = {}
    for group in groups:
        nulls = [_evidence(group, null, scorers) for null in group.nulls]
        own = {str(id): found[id] for id in group.candidates}
        ranks |= rank_by_fit(fit, own, nulls, scorers)
    return ranks


def _evidence(group: Stratum, pictures: Mapping[Hashable, Mapping[str, Measurement]], scorers: Sequence[str]) -> Found:
    """The evidence of some pictures of a stratum; where two kinds of decoys calibrate, the weaker of the two."""
    each = [evidence(pictures, null, scorers) for null in group.nulls] or [evidence(pictures, {}, scorers)]
    found: Found = {}
    for key in pictures:
        by_scorer = zip(*(one[key] for one in each), strict=True)
        found[key] = tuple(_weaker(values) for values in by_scorer)
    return found


def _weaker(values: Sequence[float | None]) -> float | None:
    return min((one for one in values if one is not None), default=None)
