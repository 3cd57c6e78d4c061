"""A blind audit of a round: frames at random, shown without what the gate says, and how far a person agrees with it.

The frames are drawn once and stored with what the gate said of them; the answers are ordinary verdicts whose key says
that they were given blind. Only frames that nobody has judged are drawn, for nobody can judge the same twice blindly.
Knows no page and no report.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.errors import UsageError
from bootstrap.records import JobKind, VerdictKind, random_seed_of
from bootstrap.store.person import PERSON
from bootstrap.store.store import Store
from scoring.bounds import clopper_pearson

__all__ = ["SIZE", "BlindAudit", "Share", "audit_of", "audits", "begin_audit", "blindfolded"]

SIZE = 20
"""Frames of an audit."""
ASKED = (VerdictKind.KEEP, VerdictKind.UNDECIDED, VerdictKind.PROVISIONAL)
NAME = "audit-r"


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``count``, and the exact 95 % interval (Clopper-Pearson) of the share, 0..1."""

    hits: int
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        """From, to."""
        return clopper_pearson(self.hits, self.count)


@dataclass(frozen=True, slots=True)
class BlindAudit:
    """The audit of a round: what the gate said of each drawn frame, what a person says, out of how many were drawn."""

    round: int
    population: int
    gate: Mapping[str, VerdictKind]
    answers: Mapping[str, VerdictKind]

    @property
    def false_keeps(self) -> Share:
        """Of the frames that the gate kept and a person judged, those that the person rejects."""
        return self._share(VerdictKind.KEEP, VerdictKind.REJECT)

    @property
    def missed(self) -> Share:
        """Of the frames that the gate left undecided and a person judged, those that the person keeps."""
        return self._share(VerdictKind.UNDECIDED, VerdictKind.KEEP)

    @property
    def agreement(self) -> Share:
        """Frames on which both agree: kept by both, or undecided and rejected."""
        wrong = self.false_keeps.hits + self.missed.hits
        return Share(len(self.answers) - wrong, len(self.answers))

    def _share(self, gate: VerdictKind, person: VerdictKind) -> Share:
        said = [word for id, word in self.answers.items() if self.gate[id] is gate]
        return Share(sum(word is person for word in said), len(said))


def begin_audit(store: Store, number: int | None = None) -> BlindAudit:
    """The audit of a round (None: the last that has ended), drawn now if it was not yet.

    Raises UsageError where there is no such round, or nothing in it that the gate took and nobody judged.
    """
    ended = [one.number for one in store.rounds() if one.outcome is not None]
    if not ended or (number is not None and number not in ended):
        rounds = f"those that have ended: {', '.join(map(str, ended))}" if ended else "wait until one has ended"
        asked = "" if number is None else f' "{number}"'
        raise UsageError(f"'{store.directory}' has no finished round{asked} to audit", rounds)
    number = number or ended[-1]
    if store.decision(_name(number)) is None:
        store.decide(_name(number), json.dumps(_drawn(store, number)))
    return audit_of(store, number)


def audit_of(store: Store, number: int) -> BlindAudit:
    """The audit of a round that was begun, as it stands now."""
    plain = json.loads(store.decision(_name(number)) or "{}")
    gate, blind = {id: VerdictKind(kind) for id, kind in plain["gate"].items()}, store.person.blind()
    return BlindAudit(number, plain["population"], gate, {id: blind[id].kind for id in gate if id in blind})


def audits(store: Store) -> list[BlindAudit]:
    """Every audit that was begun, by round."""
    names = [one.name for one in store.decisions() if one.name.startswith(NAME)]
    return [audit_of(store, number) for number in sorted(int(name.removeprefix(NAME)) for name in names)]


def blindfolded(rows: list[dict[str, Any]], audit: BlindAudit) -> list[dict[str, Any]]:
    """The rows of an album that the audit asks about, without what the gate says, in the order in which they came."""
    hidden = {"verdict": "", "by": "", "reasons": [], "doubt": 0}
    mine = {row["id"]: row if row["by"] == PERSON else {**row, **hidden} for row in rows}
    return [{**mine[id], "doubt": 0} for id in audit.gate if id in mine]


def _name(number: int) -> str:
    return f"{NAME}{number:02d}"


def _drawn(store: Store, number: int) -> dict[str, Any]:
    """Frames of the round at random among those that the gate kept or left open and nobody has judged."""
    verdicts = store.verdicts()
    ids = [frame.job.id for frame in store.frames(number, kind=JobKind.CANDIDATE)]
    asked = [id for id in ids if id in verdicts and verdicts[id].by != PERSON and verdicts[id].kind in ASKED]
    if not asked:
        raise UsageError(
            f"round {number} of '{store.directory}' has nothing left to audit",
            "frames that the gate kept or left undecided, and that nobody has judged, are asked about",
        )
    drawn = random.Random(random_seed_of(NAME, number, *asked)).sample(asked, min(SIZE, len(asked)))
    kinds = {True: VerdictKind.KEEP.value, False: VerdictKind.UNDECIDED.value}  # provisional ones did not pass the gate
    gate = {id: kinds[verdicts[id].kind is VerdictKind.KEEP] for id in drawn}
    return {"population": len(asked), "gate": gate}
