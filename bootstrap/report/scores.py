"""How the scores of candidates lie against the decoys', as HTML: over the run by view family, and round by round.

Reads a store; decides nothing. Decoys are all that were drawn, also those that the gate did not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from bootstrap.records import VIEW_FAMILIES, Frame, JobKind, Verdict, VerdictKind
from bootstrap.report.plots import histogram
from bootstrap.store.store import Store
from scoring.base import Measurement

__all__ = ["DECOYS", "IDENTITY", "by_family", "by_scorer"]

TAKEN = (VerdictKind.KEEP, VerdictKind.PROVISIONAL)
DECOYS = (JobKind.LOOKALIKE, JobKind.EXCHANGED)
IDENTITY = ("clip", "face", "ccip", "dino", "held-out")
"""The scorers that ask who it is; the others check what was asked for."""
SILENT = '<p class="soft">cannot tell in these views</p>'
Measured = Mapping[str, Mapping[str, Measurement]]
Groups = Mapping[str, Sequence[Frame]]


def by_family(store: Store, verdicts: Mapping[str, Verdict]) -> str:
    """Identity scores of the whole run, view family by view family: the strata in which they are comparable."""
    candidates = store.frames(kind=JobKind.CANDIDATE)
    decoys = [frame for kind in DECOYS for frame in store.frames(kind=kind)]
    measured = store.measurements([frame.job.id for frame in [*candidates, *decoys]])
    known = {name for values in measured.values() for name in values}
    asked, rows = [name for name in IDENTITY if name in known], []
    for view_family in VIEW_FAMILIES:
        groups = {name: [f for f in frames if f.job.shot.view_family == view_family]
                  for name, frames in _groups(candidates, decoys, verdicts).items()}  # fmt: skip
        plots = [(name, _plot(groups, measured, name) or SILENT) for name in asked]
        if groups["candidates"]:
            rows.append(
                f'<div class="strip"><h3>{escape(view_family)}</h3><div class="plots">{_cards(plots)}</div></div>'
            )
    return f"{legend()}{''.join(rows)}" if rows and asked else ""


def by_scorer(
    store: Store, candidates: Sequence[Frame], decoys: Sequence[Frame], verdicts: Mapping[str, Verdict]
) -> str:
    """Every scorer in one round, collapsed."""
    measured = store.measurements([frame.job.id for frame in [*candidates, *decoys]])
    groups = _groups(candidates, decoys, verdicts)
    scorers = dict.fromkeys(name for values in measured.values() for name in values)
    plots = [(name, plot) for name in scorers if (plot := _plot(groups, measured, name))]
    shown = f'{legend()}<div class="plots">{_cards(plots)}</div>'
    return f"<details><summary>Every scorer against this round's decoys</summary>{shown}</details>" if plots else ""


def legend() -> str:
    """What the colours of the histograms mean."""
    names = "".join(f'<i class="{name}"></i>{name}' for name in ("decoys", "candidates", "kept"))
    return f'<p class="legend">Each outline to its own scale:{names}</p>'


def _groups(candidates: Sequence[Frame], decoys: Sequence[Frame], verdicts: Mapping[str, Verdict]) -> Groups:
    taken = [frame for frame in candidates if (one := verdicts.get(frame.job.id)) and one.kind in TAKEN]
    return {"decoys": decoys, "candidates": candidates, "kept": taken}


def _plot(groups: Groups, measured: Measured, scorer: str) -> str:
    """One scorer's histogram; "" where it could tell of no candidate."""
    series = {name: _values(frames, measured, scorer) for name, frames in groups.items()}
    return histogram(series, title=scorer) if series["candidates"] else ""


def _values(frames: Sequence[Frame], measured: Measured, scorer: str) -> list[float]:
    found = (measured.get(frame.job.id, {}).get(scorer) for frame in frames)
    return [one.value for one in found if one is not None and one.value is not None and math.isfinite(one.value)]


def _cards(plots: Sequence[tuple[str, str]]) -> str:
    return "".join(f'<div class="card"><h3>{escape(name)}</h3>{plot}</div>' for name, plot in plots)
