"""What a person decided and what came of it: rounds that nobody approved, blind audits, fits to the verdicts.

Reads a store; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bootstrap.events import ApprovalGiven
from bootstrap.report.document import TEMPLATES, Section
from bootstrap.report.frame_figures import Figure, FrameFigures
from bootstrap.runs.blind_audit import BlindAudit, Share, audits
from bootstrap.store.decisions import RoundApproved, VerdictFit
from bootstrap.store.store import PERSON, Store

__all__ = ["verdict_section"]

SHOWN = 48
"""Frames that nobody judged, shown a round: they are in the set's own section too."""
REASONS = {"timed": "the time given to a person was over"}
AUTOMATIC = "approval was set to automatic"


@dataclass(frozen=True, slots=True)
class UnseenRound:
    """A round that went on without a person: in words, how many frames nobody has judged yet, the first of them."""

    text: str
    frames: int
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class AuditTable:
    """A blind audit in words, and the rows of its table; no rows while nothing is judged."""

    text: str
    rows: Sequence[Sequence[str]]


def verdict_section(store: Store, figures: FrameFigures) -> Section:
    """The section of the page; without a body for a run that a person neither judged nor was asked about."""
    by_person = sum(verdict.by == PERSON for verdict in figures.verdicts.values())
    unseen = [
        _unseen_round(store, figures, event)
        for event in store.events()
        if isinstance(event, ApprovalGiven) and event.by != PERSON and event.unseen
    ]
    tables = [_audit_table(audit) for audit in audits(store)]
    fits = [_fit_row(fit) for fit in store.decisions(VerdictFit)]
    body = Markup()
    if by_person or unseen or tables or fits:
        body = TEMPLATES.render(
            "verdicts", by_person=by_person, total=len(figures.verdicts), unseen=unseen, audits=tables, fits=fits
        )
    return Section("What a person decided", body, "person")


def _unseen_round(store: Store, figures: FrameFigures, event: ApprovalGiven) -> UnseenRound:
    """A round that the clock or automatic approval let go on, with the kept frames that nobody had judged by then."""
    approved = store.decided(RoundApproved, round=event.round)
    unjudged = []
    for frame in approved.unseen if approved else ():
        verdict = figures.verdicts.get(frame)
        if verdict and verdict.by != PERSON:
            unjudged.append(frame)
    reason = REASONS.get(event.by, AUTOMATIC)
    text = f"Round {event.round} went on alone ({reason}): nobody had judged {event.unseen} kept frames"
    judged_since = event.unseen - len(unjudged)
    if judged_since:
        text += f"; {judged_since} of them were judged since"
    shown = figures.figures(store.frames(ids=unjudged[:SHOWN]))
    return UnseenRound(f"{text}.", len(unjudged), shown)


def _audit_table(audit: BlindAudit) -> AuditTable:
    """How far a person agreed with the gate without knowing its verdicts."""
    text = (
        f"Blind audit of round {audit.round}: {len(audit.gate)} frames, drawn at random out of the {audit.population} "
        f"that the gate kept or left undecided and nobody had judged; {len(audit.answers)} judged."
    )
    shares = {
        "kept by the gate, rejected by the person": audit.false_keeps,
        "left undecided by the gate, kept by the person": audit.missed,
        "both agree": audit.agreement,
    }
    rows = [_share_row(name, share) for name, share in shares.items() if share.count]
    return AuditTable(text, rows)


def _share_row(name: str, share: Share) -> tuple[str, ...]:
    low, high = share.interval
    return name, f"{share.hits} of {share.count}", f"{share.hits / share.count:.0%}", f"{low:.0%} to {high:.0%}"


def _fit_row(fit: VerdictFit) -> tuple[str, ...]:
    """One fit to the verdicts, and its quality beside that of the weakest scorer."""
    weights = [f"{name} {weight:.2f}" for name, weight in zip(fit.scorers, fit.weights, strict=True)]
    return (
        f"{fit.round}, {fit.wave}",
        f"{fit.verdicts} ({fit.rejected} rejected)",
        "yes" if fit.used else "no",
        f"{fit.loss:.3f}",
        f"{fit.rule_loss:.3f}",
        f"{fit.auc:.2f}",
        f"{fit.rule_auc:.2f}",
        ", ".join(weights),
        f"at most {fit.rate:.0%}; {fit.wrong:.0%} of these",
    )
