"""Verdicts teach the gate: after enough of a person's words a fit on the p-values takes the place of the fixed rule.

It does so only where it is better, told by cross-validation, and it never keeps what the fixed rate of false accepts
forbids. Whether it is used follows from the rows alone, so a round that is played again decides the same; what it was
worth is stored and told. Which fit that is, is `scoring.learned`'s.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict

from bootstrap.records import Frame, Verdict, VerdictKind
from bootstrap.store.person import PERSON
from loops.engine import Engine
from loops.strata import Stratum, strata
from scoring.base import Measurement
from scoring.calibrate import Ranked
from scoring.learned import Evidence, Lesson, Taught, evidence, learn, log_odds, rank

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
    taught = [
        Taught(found[id], log_odds(ranks[id].p, decoys), verdicts[id].kind is VerdictKind.KEEP)
        for id in (frame.job.id for frame in judged)
        if id in ranks and any(one is not None for one in found[id])
    ]
    lesson = learn(taught, engine.config.loop.gate_level)
    if lesson is None:
        return ranks, set()
    _tell(engine, lesson, names, number, wave)
    if not lesson.used:
        return ranks, set()
    learned: Ranks = {}
    for group in groups:
        nulls = [_evidence(group, null, names) for null in group.nulls]
        ours = {str(id): found[id] for id in group.candidates}
        learned |= rank(lesson, ours, nulls, names)
    return learned, {id for id, one in learned.items() if one.weakest and one.score < lesson.least}


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


def _tell(engine: Engine, lesson: Lesson, names: Sequence[str], number: int, wave: int) -> None:
    """Store what the verdicts taught for this wave and tell it, once each."""
    plain = {name: value if not isinstance(value, float) or math.isfinite(value) else None
             for name, value in asdict(lesson).items()}  # fmt: skip
    engine.store.decide(f"lesson-r{number:02d}w{wave}", json.dumps({"scorers": list(names), **plain}))
    worth = (f"log-loss {lesson.loss:.3f} against {lesson.rule_loss:.3f} of the weakest scorer alone, "
             f"AUC {lesson.auc:.2f} against {lesson.rule_auc:.2f}, cross-validated")  # fmt: skip
    if lesson.used:
        rate = f"at most {lesson.rate:.0%} kept that you would reject, among frames like those"
        engine.note(f"{lesson.verdicts} verdicts of yours teach the gate ({worth}); {rate}")
    else:
        engine.note(f"{lesson.verdicts} verdicts of yours leave the gate as it is ({worth})")
