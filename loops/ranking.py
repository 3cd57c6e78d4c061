"""The gate: candidates pass the checks, are ranked among the decoys of their view family, and are admitted.

Candidates and decoys pass the same checks; identity is ranked against the decoys of the same view family and adapter.
Benjamini-Hochberg admits frames at the stated level, view family by view family, cumulative over the run: earlier keeps
stay. Pure; fills no place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bootstrap.config import RunConfig
from bootstrap.panel.judges import Judges
from bootstrap.records import Frame
from loops.archive import Archive
from loops.decoys import Stratum, strata, trait_slack, usable_decoys
from loops.verdict_fit import fit_to_verdicts
from scoring.calibrate import Gate, Ranked, judge
from scoring.fitting import FittedScore
from scoring.second_look import PAIR_JUDGE

__all__ = ["GATE", "Gated", "admitted", "gated", "ranked", "ranked_among", "scores_of"]

GATE = "gate"
"""Whose verdicts are not a person's."""


@dataclass(frozen=True)
class Gated:
    """What the gate found of every candidate that is not kept, and that no person has judged.

    ``failures`` are the checks that it fails, in words; ``ranks`` its place among the decoys, where any scorer could
    tell; ``doubted`` are the frames that a person would likely reject, by ``fit``; ``drifted`` those of a round that
    drifted. ``admitted`` ones may fill a place.
    """

    candidates: Sequence[Frame]
    failures: Mapping[str, Sequence[str]]
    ranks: Mapping[str, Ranked]
    admitted: Sequence[Frame]
    doubted: Collection[str] = ()
    drifted: Collection[str] = ()
    fit: FittedScore | None = None


def gated(archive: Archive, judges: Judges, config: RunConfig) -> Gated:
    """Check, rank and admit the candidates of an archive."""
    measured, candidates = archive.measurements, archive.candidates
    kept = {frame.job.id for frame in archive.kept}
    decided = {id for id, verdict in archive.verdicts.items() if verdict.by != GATE}
    slack = trait_slack(archive, config)
    failures: dict[str, list[str]] = {}
    for frame in candidates:
        found = judges.failures(measured[frame.job.id], slack[frame.job.shot.view_family])
        refusal = archive.refusals.get(frame.job.id)
        failures[frame.job.id] = [refusal] if refusal else found
    passed = [frame for frame in candidates if not failures[frame.job.id]]
    decoys = usable_decoys(archive, judges, config)
    groups = strata(passed, decoys, measured, [*judges.identity, PAIR_JUDGE], config.loop.calibrate_on)
    fitted = fit_to_verdicts(
        passed, ranked_among(groups), groups, archive.verdicts, judges.identity, config.loop.gate_level
    )
    passing = admitted(candidates, fitted.ranks, kept, config.loop.gate_level) - fitted.doubted
    waiting = [frame for frame in candidates if frame.job.id not in kept | decided]
    drifted = {frame.job.id for frame in waiting if frame.job.round not in archive.sound_rounds}
    may_fill = [frame for frame in waiting if frame.job.id in passing - drifted]
    return Gated(waiting, failures, fitted.ranks, may_fill, fitted.doubted, drifted, fitted.fit)


def admitted(candidates: Sequence[Frame], ranks: Mapping[str, Ranked], kept: Collection[str], level: float) -> set[str]:
    """The frames that Benjamini-Hochberg admits, view family by view family, over the whole run; ``kept`` ones stay."""
    gate, passing = Gate(level, kept=kept), set()
    p: dict[str, dict[str, float]] = {}
    for frame in candidates:
        if frame.job.id in ranks:
            p.setdefault(frame.job.shot.view_family, {})[frame.job.id] = ranks[frame.job.id].p
    for view_family, values in p.items():
        passing |= gate.admit(view_family, values)
    return passing


def ranked(candidates: Sequence[Frame], archive: Archive, judges: Judges, config: RunConfig) -> dict[str, Ranked]:
    """Each frame's place among the archive's decoys, by what the archive says was measured."""
    decoys = usable_decoys(archive, judges, config)
    return ranked_among(strata(candidates, decoys, archive.measurements, judges.identity, config.loop.calibrate_on))


def ranked_among(groups: Sequence[Stratum]) -> dict[str, Ranked]:
    """Each candidate's place among the decoys of its group."""
    ranks: dict[str, Ranked] = {}
    for group in groups:
        found = judge(group.candidates, group.lookalikes, group.exchanged, group.calibrate_on, (PAIR_JUDGE,))
        ranks |= {str(id): one for id, one in found.items()}
    return ranks


def scores_of(ranks: Mapping[str, Ranked]) -> dict[str, float | None]:
    """Each frame's score, in deviations above the decoys; None where no scorer could tell."""
    return {id: rank.score if rank.weakest else None for id, rank in ranks.items()}
