"""How the scores of candidates compare with the decoys': over the run by view family, and round by round.

Reads a store; decides nothing. The decoys are all that were drawn, also those that the gate did not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bootstrap.records import DECOY_KINDS, Frame, JobKind
from bootstrap.report.frame_figures import FrameFigures
from bootstrap.report.plots import Plot, histogram
from bootstrap.report.scorer_roles import identity_scorers, scorer_texts
from bootstrap.store.store import Store
from scoring.measurement import Measurement
from scoring.settings import Role

__all__ = ["decoys_of", "plots_by_scorer", "plots_by_view_family"]

Measured = Mapping[str, Mapping[str, Measurement]]
Groups = Mapping[str, Sequence[Frame]]
"""The series of a plot: decoys, candidates, and those of the candidates that were taken ("kept")."""
APART, PARTLY = 0.9, 0.7
"""Share of pairs, a kept picture and a decoy, from which a scorer tells them apart, and in part.

Areas under a ROC curve by Hosmer and Lemeshow 2000: .9 is outstanding, .7 acceptable."""


def decoys_of(store: Store, round: int | None = None) -> list[Frame]:
    """Every decoy that was drawn, in a round or in the whole run."""
    found = []
    for kind in DECOY_KINDS:
        found += store.frames(round, kind=kind)
    return found


def plots_by_view_family(store: Store, figures: FrameFigures) -> dict[str, list[Plot]]:
    """Identity scores of the whole run by view family, the strata in which they are comparable.

    {} where no scorer of identity measured anything.
    """
    candidates, decoys = store.frames(kind=JobKind.CANDIDATE), decoys_of(store)
    measured = store.measurements([frame.job.id for frame in [*candidates, *decoys]])
    scorers = [name for name in identity_scorers(store) if any(name in values for values in measured.values())]
    if not scorers:
        return {}
    groups = _groups(candidates, decoys, figures)
    found = {}
    for view_family in figures.view_families:
        own = {name: _of_view_family(frames, view_family) for name, frames in groups.items()}
        if own["candidates"]:
            found[view_family] = [_plot(own, measured, name, "identity") for name in scorers]
    return found


def plots_by_scorer(
    store: Store, candidates: Sequence[Frame], decoys: Sequence[Frame], figures: FrameFigures
) -> list[Plot]:
    """One round's plot of every scorer that measured one of its candidates."""
    measured = store.measurements([frame.job.id for frame in [*candidates, *decoys]])
    scorers: dict[str, None] = {}
    for values in measured.values():
        scorers.update(dict.fromkeys(values))
    groups, texts = _groups(candidates, decoys, figures), scorer_texts(store)
    plots = [_plot(groups, measured, name, texts[name].role if name in texts else None) for name in scorers]
    return [plot for plot in plots if plot.svg]


def _groups(candidates: Sequence[Frame], decoys: Sequence[Frame], figures: FrameFigures) -> Groups:
    taken = [frame for frame in candidates if figures.is_taken(frame)]
    return {"decoys": decoys, "candidates": candidates, "kept": taken}


def _of_view_family(frames: Sequence[Frame], view_family: str) -> list[Frame]:
    return [frame for frame in frames if frame.job.shot.view_family == view_family]


def _plot(groups: Groups, measured: Measured, scorer: str, role: Role | None) -> Plot:
    """One scorer's histogram, and what it says; empty where it is not applicable to any candidate."""
    series = {name: _values(frames, measured, scorer) for name, frames in groups.items()}
    drawn = histogram(series if series["candidates"] else {}, scorer)
    if role in ("check", "caption"):
        return Plot(scorer, drawn, meaning=_passed(series["candidates"]))
    if role in ("identity", "held-out"):
        return Plot(scorer, drawn, meaning=_told_apart(series["kept"], series["decoys"]))
    return Plot(scorer, drawn)


def _passed(values: Sequence[float]) -> str:
    """How many candidates have what a check asks for."""
    return f"{sum(value >= 0 for value in values)} of {len(values)} candidates have 0 or more."


def _told_apart(kept: Sequence[float], decoys: Sequence[float]) -> str:
    """How often a kept picture scores higher than a decoy (AUC: a tie counts half), and how good that is."""
    if not kept or not decoys:
        return "Nothing was kept here." if decoys else "There are no decoys here to compare with."
    row = np.sort(np.asarray(decoys))
    below, upto = np.searchsorted(row, kept, "left"), np.searchsorted(row, kept, "right")
    share = round(float((below + upto).mean() / 2 / len(row)), 2)
    rating = "poor: it hardly tells them apart"
    if share >= APART:
        rating = "good"
    elif share >= PARTLY:
        rating = "fair"
    return f"A kept picture scores higher than a decoy in {share:.0%} of the pairs: {rating}."


def _values(frames: Sequence[Frame], measured: Measured, scorer: str) -> list[float]:
    """The finite values that a scorer measured."""
    found = []
    for frame in frames:
        measurement = measured.get(frame.job.id, {}).get(scorer)
        if measurement and measurement.value is not None and math.isfinite(measurement.value):
            found.append(measurement.value)
    return found
