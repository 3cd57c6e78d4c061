"""A blind audit of a round: frames at random, shown without the gate's verdicts, and how far a person agrees with it.

The frames are drawn once and stored with the gate's verdict on each; the answers are ordinary verdicts whose key marks
them as given blind. Only frames that nobody has judged are drawn, because nobody can judge a frame blindly twice. Knows
no page and no report.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.errors import UsageError
from bootstrap.records import JobKind, VerdictKind, random_seed_of
from bootstrap.store.decisions import AuditSample
from bootstrap.store.person import PERSON
from bootstrap.store.store import Store
from scoring.bounds import clopper_pearson

__all__ = ["SIZE", "BlindAudit", "Share", "audit_of", "audits", "begin_audit", "blindfolded"]

SIZE = 20
"""Frames of an audit."""
AUDITED = (VerdictKind.KEEP, VerdictKind.UNDECIDED, VerdictKind.PROVISIONAL)
"""The gate's verdicts that an audit asks about."""


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``count``, and the exact 95 % interval (Clopper-Pearson) of the share, 0..1."""

    hits: int
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound."""
        return clopper_pearson(self.hits, self.count)


@dataclass(frozen=True, slots=True)
class BlindAudit:
    """The audit of a round: by frame, the gate's verdict and a person's; drawn from ``population`` frames."""

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
        answers = [answer for frame, answer in self.answers.items() if self.gate[frame] is gate]
        return Share(answers.count(person), len(answers))


def begin_audit(store: Store, number: int | None = None) -> BlindAudit:
    """The audit of a round (None: the last that has ended); its frames are drawn now if they were not yet.

    Raises UsageError where there is no such round, or nothing in it that the gate took and nobody judged.
    """
    ended = [one.number for one in store.rounds() if one.outcome is not None]
    if not ended or (number is not None and number not in ended):
        raise _no_such_round(store, number, ended)
    number = number or ended[-1]
    if store.decided(AuditSample, round=number) is None:
        store.decide(_sample(store, number))
    return audit_of(store, number)


def audit_of(store: Store, number: int) -> BlindAudit:
    """The audit of a round that was begun, as it stands now. Raises UsageError where it was not begun."""
    sample = store.decided(AuditSample, round=number)
    if sample is None:
        raise UsageError(
            f"'{store.directory}' has no audit of round {number}", "begin it: bootstrap review RUN --audit"
        )
    return _with_answers(store, sample)


def audits(store: Store) -> list[BlindAudit]:
    """Every audit that was begun, by round."""
    samples = sorted(store.decisions(AuditSample), key=lambda sample: sample.round)
    return [_with_answers(store, sample) for sample in samples]


def blindfolded(rows: list[dict[str, Any]], audit: BlindAudit) -> list[dict[str, Any]]:
    """The rows of the album that the audit asks about, without the gate's verdicts, in the order of the sample."""
    by_frame = {row["id"]: row for row in rows}
    found = []
    for frame in audit.gate:
        if frame in by_frame:
            row = {**by_frame[frame], "doubt": 0}
            if row["by"] != PERSON:
                row |= {"verdict": "", "by": "", "reasons": []}
            found.append(row)
    return found


def _with_answers(store: Store, sample: AuditSample) -> BlindAudit:
    """The audit of a sample with what a person answered so far."""
    blind = store.person.blind()
    answers = {frame: blind[frame].kind for frame in sample.gate if frame in blind}
    return BlindAudit(sample.round, sample.population, sample.gate, answers)


def _sample(store: Store, number: int) -> AuditSample:
    """Frames of the round at random among those that the gate kept or left open and nobody has judged."""
    verdicts = store.verdicts()
    population = []
    for frame in store.frames(number, kind=JobKind.CANDIDATE):
        verdict = verdicts.get(frame.job.id)
        if verdict and verdict.by != PERSON and verdict.kind in AUDITED:
            population.append(frame.job.id)
    if not population:
        raise UsageError(
            f"round {number} of '{store.directory}' has nothing left to audit",
            "an audit asks about frames that the gate kept or left undecided and that nobody has judged",
        )
    draw = random.Random(random_seed_of("audit-r", number, *population))
    gate = {}
    for id in draw.sample(population, min(SIZE, len(population))):
        kept = verdicts[id].kind is VerdictKind.KEEP
        gate[id] = VerdictKind.KEEP if kept else VerdictKind.UNDECIDED  # provisional ones did not pass the gate
    return AuditSample(number, len(population), gate)


def _no_such_round(store: Store, number: int | None, ended: list[int]) -> UsageError:
    """The error for a round that has not ended, naming those that have."""
    hint = "wait until one has ended"
    if ended:
        hint = f"these have ended: {', '.join(map(str, ended))}"
    named = "" if number is None else f' "{number}"'
    return UsageError(f"'{store.directory}' has no finished round{named} to audit", hint)
