"""Several audited runs together: how well each scorer separates, what the gate admits, and what the seeds can tell.

The judge is one of the scorers in the tables, comparing with the seed and its crops as ours do: no scorer that sees
only the seed can be expected to predict the judge better. Does NOT open runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.records import JobKind
from tests.benchmarks.puppetbench.curves import Curve, chart
from tests.benchmarks.puppetbench.gate import COLORS, FALSE_RATE, NOTHING, GateAudit, below
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.panels import Images
from tests.benchmarks.puppetbench.roc import FEWEST, auc, power_at, spearman

STATED = (0.01, 0.05, 0.1, 0.2, 0.3)
STEPS = tuple(np.linspace(0, 1, 21))
SIDE = 96
JUDGE = "the judge, shown the seed alone"
Values = Mapping[str, float]
Embed = Callable[[Images], NDArray[np.float32]]


def judged_by_seeds(audit: GateAudit, embed: Embed) -> GateAudit:
    """The audit with one identity scorer instead of the run's: similarity of ``embed`` to the nearest seed or crop."""
    store, references = audit.store, audit.judges.references
    seen = embed(np.stack([_pixels(one.image) for one in references]))
    found = embed(np.stack([_pixels(store.frame_image(frame)) for frame in audit.frames]))
    values = (found @ seen.T).max(axis=1)
    return replace(audit, instead={f.job.id: float(v) for f, v in zip(audit.frames, values, strict=True)})


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE)))


def markdown_of(audits: Sequence[GateAudit], by_judge: Sequence[GateAudit]) -> str:
    """The tables as markdown; ``by_judge`` are the same runs scored by `judged_by_seeds`."""
    names = ", ".join(audit.character.name for audit in audits)
    parts = [_quality_table(audits, by_judge), _admitted_table(audits, by_judge), _calibration_table(audits)]
    return f"## All together: {names}\n\n" + "\n\n".join(parts) + "\n"


def _ways(audits: Sequence[GateAudit], by_judge: Sequence[GateAudit]) -> dict[str, list[tuple[GateAudit, Values]]]:
    """Scorer → each run with its values of the candidates that passed the checks."""
    found = {}
    identity = audits[0].judges.identity
    for name in identity:
        others = [other for other in identity if other != name]
        found[f"{name} alone"] = [(audit, _scores(audit, others)) for audit in audits]
    found["the gate: the weakest of them"] = [(audit, _scores(audit, [])) for audit in audits]
    found[JUDGE] = [(audit, _scores(audit, [])) for audit in by_judge]
    return found


def _scores(audit: GateAudit, without: Sequence[str]) -> Values:
    return {id: score for id, (score, _) in audit.scores(*without).items()}


def _split(audit: GateAudit, view_family: str, values: Values) -> tuple[list[float], list[float]]:
    """A scorer's values of the true and of the false candidates of a view family."""
    frames = [frame for frame in audit.of(JobKind.CANDIDATE, view_family) if frame.job.id in values]
    true = [values[f.job.id] for f in frames if audit.is_true(f)]
    return true, [values[f.job.id] for f in frames if not audit.is_true(f)]


def _quality_table(audits: Sequence[GateAudit], by_judge: Sequence[GateAudit]) -> str:
    lines = []
    for name, runs in _ways(audits, by_judge).items():
        cells = [[quality(audit, view_family, values) for audit, values in runs] for view_family in ALL_VIEW_FAMILIES]
        lines.append([name, *map(_means, cells), _means([one for view_family in cells for one in view_family])])
    head = f"AUC of true against false / true passed at {FALSE_RATE:.0%} false / rank correlation with the truth"
    return table(f"{head}; past the checks, means over runs", ["scorer", *ALL_VIEW_FAMILIES, "all"], lines)


def quality(audit: GateAudit, view_family: str, values: Values) -> tuple[float | None, ...]:
    true, false = _split(audit, view_family, values)
    ids = [frame.job.id for frame in audit.of(JobKind.CANDIDATE, view_family) if frame.job.id in values]
    along = spearman([values[id] for id in ids], [audit.likeness[id] for id in ids])
    return auc(true, false), power_at(true, false, FALSE_RATE), along


def _means(rows: Sequence[tuple[float | None, ...]]) -> str:
    columns = [[value for value in column if value is not None] for column in zip(*rows, strict=True)]
    return " / ".join(f"{fmean(column):.2f}" if column else NOTHING for column in columns)


def _admitted_table(audits: Sequence[GateAudit], by_judge: Sequence[GateAudit]) -> str:
    """What Benjamini-Hochberg admits at the runs' own level."""
    ways = {"the gate": (audits, "")}
    ways |= {f"without {name}": (audits, name) for name in audits[0].judges.identity}
    ways[JUDGE] = (by_judge, "")
    lines = []
    for title, (runs, left_out) in ways.items():
        let = [(audit, audit.admitted(left_out)) for audit in runs]
        counts = [_counted(let, view_family) for view_family in ALL_VIEW_FAMILIES]
        lines.append([title, *map(_let_in, counts), _let_in(tuple(map(sum, zip(*counts, strict=True))))])
    title = f"Admitted at the level {audits[0].config.loop.gate_level:g}: false of admitted; true admitted of all true"
    return table(title, ["scorers", *ALL_VIEW_FAMILIES, "all"], lines)


def _counted(let: Sequence[tuple[GateAudit, set[str]]], view_family: str) -> tuple[int, int, int, int]:
    """Admitted, true among them, true there are, candidates: sums over runs."""
    found = np.zeros(4, int)
    for audit, ids in let:
        frames = audit.of(JobKind.CANDIDATE, view_family)
        inside = [frame for frame in frames if frame.job.id in ids]
        true = sum(map(audit.is_true, inside))
        found += (len(inside), true, sum(map(audit.is_true, frames)), len(frames))
    admitted, right, there, candidates = map(int, found)
    return admitted, right, there, candidates


def _let_in(counts: tuple[int, ...]) -> str:
    admitted, true, there, _ = counts
    share = f" ({1 - true / admitted:.2f})" if admitted else ""
    return f"{admitted - true} of {admitted}{share}; {true} of {there}"


def _calibration_table(audits: Sequence[GateAudit]) -> str:
    """Levels against the share of false and of true candidates (checks passed) that p admits."""
    every = [(audit, {id: p for id, (_, p) in audit.scores().items()}) for audit in audits]
    lines = []
    for view_family in ALL_VIEW_FAMILIES:
        split = [_split(audit, view_family, values) for audit, values in every]
        true, false = ([p for one in split for p in one[side]] for side in (0, 1))
        cells = [f"{below(false, rate)} / {below(true, rate)}" for rate in STATED]
        lines.append([view_family, str(len(false)), str(len(true)), *cells])
    head = ["view family", "false", "true", *(f"p ≤ {rate:g}" for rate in STATED)]
    return table("Calibration: share of the false / of the true candidates that p lets through", head, lines)


def roc(audits: Sequence[GateAudit], by_judge: Sequence[GateAudit]) -> Image.Image:
    """True passed against false passed, means over runs: a panel for each scorer, a line for each view family."""
    panels = {}
    for name, runs in _ways(audits, by_judge).items():
        curves = []
        for view_family in ALL_VIEW_FAMILIES:
            curves.append(Curve(view_family, COLORS[view_family], _mean_curve(runs, view_family)))
        panels[name] = curves
    return chart(panels, "false passed", "up: true passed; the diagonal is chance", diagonal=True)


def _mean_curve(runs: Sequence[tuple[GateAudit, Values]], view_family: str) -> list[tuple[float, float]]:
    curves = []
    for audit, values in runs:
        true, false = _split(audit, view_family, values)
        if min(len(true), len(false)) >= FEWEST:
            curves.append([passed(true, false, rate) for rate in STEPS])
    if not curves:
        return []
    return [(float(rate), fmean(row)) for rate, row in zip(STEPS, zip(*curves, strict=True), strict=True)]


def passed(true: Sequence[float], false: Sequence[float], rate: float) -> float:
    """The share of true frames that passes where ``rate`` of the false ones does, interpolated between the steps."""
    cuts = sorted({*true, *false}, reverse=True)
    points = [(0.0, 0.0)]
    points += [(float(np.mean(np.array(false) >= cut)), float(np.mean(np.array(true) >= cut))) for cut in cuts]
    best = 0.0
    for (left, low), (right, high) in pairwise(points):
        if left <= rate <= right:
            best = max(best, high if right == left else low + (high - low) * (rate - left) / (right - left))
    return best
