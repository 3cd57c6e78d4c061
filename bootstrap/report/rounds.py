"""What each round did, as HTML: what it took, what it did not take and why, how it went over the rounds, and the time.

Reads a store; decides nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bootstrap.events import AdapterTrained, BatchGenerated, ScoresMeasured
from bootstrap.records import Frame, JobKind, Round, Verdict, VerdictKind
from bootstrap.report.frame_figures import Gallery
from bootstrap.report.plots import curves, growth, stacked
from bootstrap.report.scores import DECOYS, by_scorer
from bootstrap.runs.sentences import duration
from bootstrap.store.store import Store

__all__ = ["over_rounds", "round_section", "timings"]

TAKEN = (VerdictKind.KEEP, VerdictKind.PROVISIONAL)
STAGES = {AdapterTrained: "training", BatchGenerated: "drawing", ScoresMeasured: "measuring"}
NUMBER = re.compile(r" ?[-+]?\d+(\.\d+)?")


def round_section(store: Store, gallery: Gallery, one: Round) -> str:
    """What a round drew and kept, how its scores lie against the decoys', and what it did not take."""
    candidates = store.frames(one.number, kind=JobKind.CANDIDATE)
    kinds = {id: verdict.kind for id, verdict in gallery.verdicts.items()}
    taken = [frame for frame in candidates if kinds.get(frame.job.id) in TAKEN]
    others = [frame for frame in candidates if kinds.get(frame.job.id) not in TAKEN]
    decoys = [frame for kind in DECOYS for frame in store.frames(one.number, kind=kind)]
    held_out = one.outcome.held_out if one.outcome else None
    said = [f"{len(candidates)} candidates", f"{len(decoys)} decoys", f"{len(taken)} taken"]
    said += [] if held_out is None else [f"held-out similarity {held_out:.3f}"]
    return (
        f'<h2 id="round-{one.number}">Round {one.number} <small class="soft">{escape(one.phase)}, goal {one.goal}'
        f'</small></h2><p class="soft">{" · ".join(said)}</p>{gallery.clusters(taken)}'
        f"{by_scorer(store, candidates, decoys, gallery.verdicts)}"
        f"{gallery.rejected(others, _why(others, gallery.verdicts))}"
    )


def _why(frames: Sequence[Frame], verdicts: Mapping[str, Verdict]) -> str:
    """How often each reason kept a frame out, numbers left out so that equal reasons count together."""
    first = [next(iter(verdicts[f.job.id].reasons), "") if f.job.id in verdicts else "not judged yet" for f in frames]
    counts = Counter(NUMBER.sub("", reason) for reason in first).most_common()
    lines = "".join(f"<tr><td>{count}</td><td>{escape(reason)}</td></tr>" for reason, count in counts)
    return f'<div class="scroll"><table class="why">{lines}</table></div>'


def over_rounds(rounds: Sequence[Mapping[str, Any]]) -> str:
    """Kept frames, similarity to the seeds and the share that was kept, round after round (`status` data)."""
    if not rounds:
        return ""
    total, steps = 0, []
    for one in rounds:
        # A later round may still take a frame of an earlier one: the round's own record says what stood at its end.
        total = (one["outcome"] or {}).get("kept", total + one["kept"])
        steps.append({"number": one["number"], "total": total, "goal": one["goal"]})
    outcomes = [one["outcome"] or {} for one in rounds]
    similar = {
        name: [o.get(key) for o in outcomes] for name, key in (("selecting", "selecting"), ("held-out", "held_out"))
    }
    cards = {
        "Kept after each round": growth(steps),
        "Likeness of candidates to the seeds": _keyed(curves(similar, "likeness by round"), similar),
        "Candidates kept, share": curves({"kept": [_share(o) for o in outcomes]}, "share of candidates kept"),
    }
    return "".join(f'<div class="card"><h3>{name}</h3>{plot}</div>' for name, plot in cards.items() if plot)


def _keyed(plot: str, series: Mapping[str, object]) -> str:
    """A plot with the names of its lines under it."""
    said = "".join(f'<i class="{escape(name)}"></i>{escape(name)}' for name in series)
    return f'{plot}<p class="legend">{said}</p>' if plot else ""


def _share(outcome: Mapping[str, Any]) -> float | None:
    """New keeps among a round's candidates, 0 to 1."""
    drawn, new = outcome.get("candidates"), outcome.get("new")
    return new / drawn if drawn and new is not None else None


def timings(store: Store, seconds: Mapping[str, float]) -> str:
    """Seconds by stage over the run, and by round as the events tell them."""
    rounds: dict[str, dict[str, float]] = {}
    for event in store.events():
        if isinstance(event, AdapterTrained | BatchGenerated | ScoresMeasured):
            parts = rounds.setdefault(f"round {event.round}", dict.fromkeys(STAGES.values(), 0.0))
            parts[STAGES[type(event)]] += event.seconds
    stages = {stage: {"time": spent} for stage, spent in seconds.items()}
    cards = {"By stage": stacked(stages, duration), "By round": _keyed(stacked(rounds, duration), _named(rounds))}
    shown = "".join(f'<div class="card"><h3>{name}</h3>{plot}</div>' for name, plot in cards.items() if plot)
    return f'<h2 id="time">Where the time went</h2><div class="pair">{shown}</div>' if shown else ""


def _named(rounds: Mapping[str, Mapping[str, float]]) -> Mapping[str, object]:
    return next(iter(rounds.values()), {})
