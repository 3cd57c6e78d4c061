"""What a person said and what came of it, as HTML: whose verdicts were nobody's, audits, and what verdicts taught.

Reads a store; decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from bootstrap.events import GatePassed
from bootstrap.report.frame_figures import Gallery
from bootstrap.runs.blind_audit import BlindAudit, Share, audits
from bootstrap.store.store import PERSON, Store

__all__ = ["person"]

LESSON = "lesson-r"
SHOWN = 48
"""Frames that nobody judged shown a round: they are in the set's own section too."""


def person(store: Store, gallery: Gallery) -> str:
    """The section of the page; "" for a run that nobody was asked about and nobody spoke to."""
    parts = [_nobodys(store, gallery), *map(_audit, audits(store)), _lessons(store)]
    said = sum(one.by == PERSON for one in gallery.verdicts.values())
    if not said and not any(parts):
        return ""
    mine = f"{said} of {len(gallery.verdicts)} verdicts in force are a person's."
    return f'<h2 id="person">What a person said</h2><p class="soft">{mine}</p>{"".join(filter(None, parts))}'


def _nobodys(store: Store, gallery: Gallery) -> str:
    """The rounds that a clock or an open gate let go on, with what was kept there and nobody looked at."""
    told = [event for event in store.events() if isinstance(event, GatePassed) and event.by != PERSON]
    return "".join(_nobodys_of(store, gallery, event) for event in told if event.unseen)


def _nobodys_of(store: Store, gallery: Gallery, event: GatePassed) -> str:
    decided = json.loads(store.decision(f"gate-r{event.round:02d}") or '{"unseen": []}')
    ids = [id for id in decided["unseen"] if (one := gallery.verdicts.get(id)) and one.by != PERSON]
    since = event.unseen - len(ids)
    why = {"timed": "the time given to a person was over"}.get(event.by, "the gate was set to automatic")
    later = f"; {since} of them were judged since" if since else ""
    head = f"Round {event.round} went on alone ({why}): {event.unseen} kept frames were nobody's verdict{later}."
    shown = gallery.sheet(store.frames(ids=ids[:SHOWN]))
    more = f'<p class="soft">and {len(ids) - SHOWN} more</p>' if len(ids) > SHOWN else ""
    sheet = f"<details><summary>{len(ids)} that nobody has judged yet</summary>{shown}{more}</details>" if ids else ""
    return f"<p>{escape(head)}</p>{sheet}"


def _audit(one: BlindAudit) -> str:
    """How far a person agreed with the gate without knowing what it says."""
    head = (
        f"Blind audit of round {one.round}: {len(one.gate)} frames, drawn at random out of the {one.population} that "
        f"the gate kept or left undecided and nobody had judged; {len(one.answers)} judged."
    )
    rows = [
        ("kept by the gate, rejected by the person", one.false_keeps),
        ("left undecided by the gate, kept by the person", one.missed),
        ("both agree", one.agreement),
    ]
    lines = "".join(f"<tr><td>{name}</td>{_cells(share)}</tr>" for name, share in rows if share.count)
    if not lines:
        return f"<p>{escape(head)}</p>"
    title = "<tr><th></th><th>frames</th><th>share</th><th>95 % interval (Clopper-Pearson, exact)</th></tr>"
    return f'<p>{escape(head)}</p><div class="scroll"><table>{title}{lines}</table></div>'


def _cells(share: Share) -> str:
    low, high = share.interval
    part = f"{share.hits / share.count:.0%}"
    return f"<td>{share.hits} of {share.count}</td><td>{part}</td><td>{low:.0%} to {high:.0%}</td>"


def _lessons(store: Store) -> str:
    """What verdicts taught the gate, wave by wave, and what that was worth."""
    found = [one for one in store.decisions() if one.name.startswith(LESSON)]
    if not found:
        return ""
    lines = "".join(_lesson(one.name.removeprefix(LESSON), json.loads(one.value)) for one in found)
    title = (
        "<tr><th>round, wave</th><th>verdicts</th><th>in use</th><th>log-loss</th><th>of the weakest scorer</th>"
        "<th>AUC</th><th>of the weakest scorer</th><th>weights</th><th>kept though you reject</th></tr>"
    )
    return (
        "<p>From 30 verdicts on, the identity scorers are combined as those verdicts teach, where that beats the"
        " weakest scorer on verdicts held out (5-fold cross-validation). The last column is the stated limit, by"
        " conformal risk control, for frames like those judged, and the share among the verdicts.</p>"
        f'<div class="scroll"><table>{title}{lines}</table></div>'
    )


def _lesson(place: str, told: dict[str, Any]) -> str:
    number, _, wave = place.partition("w")
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in _pairs(told))
    cells = [
        f"{int(number)}, {wave}", f"{told['verdicts']} ({told['rejected']} rejected)", "yes" if told["used"] else "no",
        f"{told['loss']:.3f}", f"{told['rule_loss']:.3f}", f"{told['auc']:.2f}", f"{told['rule_auc']:.2f}", weights,
        f"at most {told['rate']:.0%}; {told['wrong']:.0%} of these",
    ]  # fmt: skip
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _pairs(told: dict[str, Any]) -> Sequence[tuple[str, float]]:
    return list(zip(told["scorers"], told["weights"], strict=True))
