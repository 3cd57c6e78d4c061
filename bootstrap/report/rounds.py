"""What each round did: what it took, what it did not take and why, the course over the rounds, and the time.

Reads a store; decides nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from bootstrap.events import AdapterTrained, BatchGenerated, ScoresMeasured
from bootstrap.records import Frame, JobKind, Round, Verdict
from bootstrap.report.document import TEMPLATES, Section
from bootstrap.report.frame_figures import FrameFigures
from bootstrap.report.plots import Plot, curves, growth, stacked
from bootstrap.report.scores import decoys_of, plots_by_scorer
from bootstrap.runs.sentences import duration
from bootstrap.store.store import Store

__all__ = ["over_rounds", "round_section", "time_section"]

STAGES = {AdapterTrained: "training", BatchGenerated: "drawing", ScoresMeasured: "measuring"}
NUMBER = re.compile(r" ?[-+]?\d+(\.\d+)?")
GROWTH = "The dashed line is the goal of the round. Good: the column reaches it."
LIKENESS = (
    "Mean by the scorers that select, and by the held-out one, which never does. Good: both hold or rise. Where only"
    " the selecting ones rise, the set grows alike in what they see and in nothing else."
)
SHARE = "Of the candidates of a round, 0 to 1. Good: it rises, for each LoRA draws better than the last."
MOST_REJECTS = 160
"""Rejected frames shown a round: a page must stay light enough to open."""


def round_section(store: Store, figures: FrameFigures, one: Round) -> Section:
    """What a round drew and kept, how its scores compare with the decoys', and what it did not take."""
    candidates = store.frames(one.number, kind=JobKind.CANDIDATE)
    taken = [frame for frame in candidates if figures.is_taken(frame)]
    others = [frame for frame in candidates if not figures.is_taken(frame)]
    decoys = decoys_of(store, one.number)
    facts = [f"{len(candidates)} candidates", f"{len(decoys)} decoys", f"{len(taken)} taken"]
    if one.outcome and one.outcome.held_out is not None:
        facts.append(f"held-out similarity {one.outcome.held_out:.3f}")
    not_taken = {
        "total": len(others),
        "reasons": _reasons(others, figures.verdicts),
        "figures": figures.with_reasons(others[:MOST_REJECTS]),
    }
    body = TEMPLATES.render(
        "round",
        facts=facts,
        taken=figures.by_view_family(taken),
        plots=plots_by_scorer(store, candidates, decoys, figures),
        not_taken=not_taken,
    )
    return Section(f"Round {one.number}", body, f"round-{one.number}", f"{one.phase}, goal {one.goal}")


def _reasons(frames: Sequence[Frame], verdicts: Mapping[str, Verdict]) -> list[tuple[int, str]]:
    """How often each reason kept a frame out, numbers left out so that equal reasons count together."""
    counts: Counter[str] = Counter()
    for frame in frames:
        verdict = verdicts.get(frame.job.id)
        reason = "not judged yet"
        if verdict:
            reason = verdict.reasons[0] if verdict.reasons else ""
        counts[NUMBER.sub("", reason)] += 1
    return [(count, reason) for reason, count in counts.most_common()]


def over_rounds(rounds: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """Kept frames, likeness to the seeds and the share that was kept, round after round (`status` data)."""
    total = 0
    steps: list[dict[str, int]] = []
    likeness: dict[str, list[float | None]] = {"selecting": [], "held-out": []}
    shares: list[float | None] = []
    for one in rounds:
        outcome = one["outcome"] or {}
        # A later round may still take a frame of an earlier one: the round's own record counts what it had at its end.
        total = outcome.get("kept", total + one["kept"])
        steps.append({"number": one["number"], "total": total, "goal": one["goal"]})
        likeness["selecting"].append(outcome.get("selecting"))
        likeness["held-out"].append(outcome.get("held_out"))
        shares.append(outcome["new"] / outcome["candidates"] if outcome.get("candidates") else None)
    plots = [
        Plot("Kept after each round", growth(steps), meaning=GROWTH),
        Plot("Likeness of candidates to the seeds", curves(likeness, "likeness by round"), list(likeness), LIKENESS),
        Plot("Candidates kept, share", curves({"kept": shares}, "share of candidates kept"), meaning=SHARE),
    ]
    return [plot for plot in plots if plot.svg]


def time_section(store: Store, seconds: Mapping[str, float]) -> Section:
    """Seconds by stage over the run, and by round as the events tell them."""
    rounds: dict[str, dict[str, float]] = {}
    for event in store.events():
        if isinstance(event, AdapterTrained | BatchGenerated | ScoresMeasured):
            parts = rounds.setdefault(f"round {event.round}", dict.fromkeys(STAGES.values(), 0.0))
            parts[STAGES[type(event)]] += event.seconds
    stages = {stage: {"time": spent} for stage, spent in seconds.items()}
    plots = [
        Plot("By stage", stacked(stages, duration), meaning="The work of all sessions; pauses do not count."),
        Plot(
            "By round", stacked(rounds, duration), list(STAGES.values()), "A round's first look at the models included."
        ),
    ]
    shown = [plot for plot in plots if plot.svg]
    body = TEMPLATES.render("cards", plots=shown) if shown else Markup()
    return Section("Where the time went", body, "time")
