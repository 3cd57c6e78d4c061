"""Rows of kinds as tables in markdown, lost comparisons included. Knows no model and no disk."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.kinds.settings import TITLES
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.rows import Row
from tests.benchmarks.puppetbench.shares import difference, mean, share_closed

FLOOR, OURS, CEILING = "seeds", "ours", "ceiling"


def report(kind: str, found: Sequence[Row]) -> str:
    """The results of one kind: each contestant, ours against the seeds alone, and the share closed."""
    names = [name for name in TITLES if any(row["contestant"] == name for row in found)]
    measures = list(found[0]["all"])[1:]
    people = sorted({(row["character"], row["name"]) for row in found})
    heading = f"## {kind}: {', '.join(f'{name} ({number})' for number, name in people)}"
    lines = []
    for name in names:
        columns = [str(mean(paired(found, [name], measure)[0])) for measure in measures]
        seconds = mean([row["seconds"] for row in found if row["contestant"] == name]).value
        lines.append([TITLES[name], *columns, f"{seconds:.0f}"])
    means = table("Means, with the middle 95 % of a bootstrap", ["contestant", *measures, "seconds"], lines)
    return "\n\n".join([heading, means, *against(found, names, measures[0])]) + "\n"


def against(found: Sequence[Row], names: Sequence[str], measure: str) -> list[str]:
    """Ours minus the seeds alone, and what share of the distance to the ceiling that is."""
    if not {FLOOR, OURS} <= set(names):
        return []
    gained = difference(*paired(found, [OURS, FLOOR], measure))
    bar = "yes" if gained.above_zero else "**no**"
    lines = [["ours minus seeds alone", str(gained), bar]]
    if CEILING in names:
        share = share_closed(*paired(found, [OURS, FLOOR, CEILING], measure))
        lines.append(["share closed", str(share), "–"])
    return [table(f"Against the seeds alone: {measure}", ["measure", "found", "above 0"], lines)]


def paired(found: Sequence[Row], names: Sequence[str], measure: str) -> list[list[float]]:
    """For each contestant its values of the individuals that all of them have, in the same order."""
    by_pair = {(row["character"], row["contestant"]): row for row in found}
    common = [
        number
        for number in sorted({row["character"] for row in found})
        if all((number, name) in by_pair for name in names)
    ]
    return [[by_pair[number, name]["all"][measure] for number in common] for name in names]
