"""The defects that a run's judge of pairs names, as a check: only one that is named oftener than on known good frames.

Good are the frames that the gate or a person keeps; a frame has a defect where the judge names it in both orders.
Decoys are drawn like the others: a defect that is named on them still more often is the judge's word for a stranger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bootstrap.readers.pair_reading import DEFECTS
from bootstrap.records import VerdictKind
from bootstrap.store.person import PERSON
from bootstrap.store.reader_decisions import PairRead
from loops.archive import Archive
from scoring.measurement import Measurement, not_applicable
from scoring.second_look import Naming, naming

__all__ = ["defects_measured", "namings"]


def namings(reads: Sequence[PairRead], archive: Archive) -> dict[str, Naming]:
    """Defect → how it is named over all view families; what a person says of a frame counts before its role."""
    groups: dict[str, list[tuple[str, ...]]] = {"kept": [], "undecided": [], "decoy": []}
    for one in reads:
        if one.same is None:
            continue
        verdict = archive.verdicts.get(one.job)
        said = verdict.kind if verdict is not None and verdict.by == PERSON else None
        role = "kept" if said is VerdictKind.KEEP and one.role != "decoy" else one.role
        if role != "kept" or said is not VerdictKind.REJECT:
            groups[role].append(one.defects)
    return {name: naming(name, groups["kept"], groups["undecided"], groups["decoy"]) for name in DEFECTS}


def defects_measured(read: PairRead, named: Mapping[str, Naming]) -> Measurement:
    """The check of one frame: below 0 where a defect that counts is named; what does not count is told."""
    if read.same is None:
        return not_applicable(read.why)
    if read.role == "kept":
        return not_applicable("the gate admits it without the judge")
    counting = [name for name in read.defects if named[name].counts]
    if counting:
        return Measurement(-1.0, ", ".join(counting))
    told = [f"{name} counts for nothing ({named[name]})" for name in read.defects]
    return not_applicable("; ".join(told)) if told else Measurement(1.0)
