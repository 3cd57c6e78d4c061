"""Rows as tables in markdown, lost comparisons included. Knows no model and no disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.measures import ASKED
from tests.benchmarks.puppetbench.rows import Row
from tests.benchmarks.puppetbench.settings import TITLES
from tests.benchmarks.puppetbench.shares import FEWEST, difference, mean, share_closed

FLOOR, CEILING, OURS, BASE = "seeds", "ceiling", "ours", "base"
CEILINGS = (CEILING, "knowable")
"""Trained on the truth, and on what agrees with the truth in all that seed and words say."""
ALL = "all"
"""Over all pictures of the panel, which holds every view family equally often."""
CLOSED, FALSE, POWER, CONTROL, FALSE_AT_FIRST = 0.8, 0.05, 0.8, 0.95, 0.10
"""Bars: share closed, false among kept, true kept, obedience relative to the base's; and the first bar of the gate, on
five puppets."""


def report(rows: Sequence[Row], contestants: Sequence[str]) -> str:
    """The whole result as markdown."""
    names = [name for name in contestants if any(row["contestant"] == name for row in rows)]
    parts = [_heading(rows), _values(rows, names, "identity", "Identity: the judge's likeness with the truth"),
             _values(rows, names, "same", "Same person: share above what 1 % of look-alikes pass"),
             *(_shares(rows, names, ceiling) for ceiling in CEILINGS), _against(rows, names),
             _control(rows, names), _spread(rows, names), _gate(rows), _bars(rows)]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def paired(rows: Sequence[Row], names: Sequence[str], view_family: str, column: str = "identity") -> list[list[float]]:
    """For each contestant its values of the characters that all of them have, in the same order."""
    by_pair = {(row["character"], row["contestant"]): row for row in rows}
    common = []
    for character in sorted({row["character"] for row in rows}):
        if all((character, name) in by_pair for name in names):
            common.append(character)
    values = []
    for name in names:
        values.append([_of(by_pair[character, name], view_family)[column] for character in common])
    return values


def _of(row: Row, view_family: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = row["all"] if view_family == ALL else row["families"][view_family]
    return found


def _heading(rows: Sequence[Row]) -> str:
    people = sorted({(row["character"], row["name"]) for row in rows})
    named = ", ".join(f"{name} ({seed})" for seed, name in people)
    pictures = rows[0]["all"]["pictures"] if rows else 0
    given = {1: "one seed"}.get(seeds := rows[0].get("seeds", 1) if rows else 1, f"{seeds} seeds")
    return (
        f"## PuppetBench: {len(people)} characters, {given} each\n\n{named}. {pictures} pictures a contestant and "
        f"character, the same shots and random seeds for all; [middle 95 % of a bootstrap over characters]."
    )


def _values(rows: Sequence[Row], names: Sequence[str], column: str, title: str) -> str:
    lines = []
    for name in names:
        means = [mean(paired(rows, [name], view_family, column)[0]) for view_family in (*ALL_VIEW_FAMILIES, ALL)]
        lines.append([_title(rows, name), *(f"{one.value:.3f}" for one in means[:-1]), str(means[-1])])
    return table(title, ["contestant", *ALL_VIEW_FAMILIES, ALL], lines)


def _title(rows: Sequence[Row], name: str) -> str:
    """The title of a contestant, with the number of its characters where it does not have all."""
    everybody = {row["character"] for row in rows}
    own = {row["character"] for row in rows if row["contestant"] == name}
    if own == everybody:
        return TITLES[name]
    return f"{TITLES[name]} ({len(own)} of {len(everybody)} characters)"


def _shares(rows: Sequence[Row], names: Sequence[str], ceiling: str) -> str:
    """How far each contestant goes from the seed alone to a ceiling, on the characters that have all three."""
    if not {FLOOR, ceiling} <= set(names):
        return ""
    lines = []
    for name in names:
        if name in (FLOOR, ceiling):
            continue
        for view_family in (*ALL_VIEW_FAMILIES, ALL):
            ours, floor, top = paired(rows, [name, FLOOR, ceiling], view_family)
            if ours:
                one = share_closed(ours, floor, top)
                lines.append(
                    [TITLES[name], view_family, str(one), str(one.numerator), str(one.denominator), str(len(ours))]
                )
    head = ["contestant", "view family", "share closed", "above the seed alone", "room to the ceiling", "characters"]
    return table(f"Share closed between {TITLES[FLOOR]} and {TITLES[ceiling]} (goal {CLOSED})", head, lines)


def _against(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Ours minus each other one, paired."""
    if OURS not in names:
        return ""
    lines = []
    for name in names:
        if name != OURS:
            pairs = [paired(rows, [OURS, name], view_family) for view_family in (*ALL_VIEW_FAMILIES, ALL)]
            lines.append([TITLES[name], *(str(difference(*pair)) if pair[0] else "–" for pair in pairs)])
    return table("Ours minus the other, identity", ["the other", *ALL_VIEW_FAMILIES, ALL], lines)


def _control(rows: Sequence[Row], names: Sequence[str]) -> str:
    axes = list(rows[0]["obeyed"]) if rows else []
    lines = [[_title(rows, name), *(_percent(*_obeyed(rows, name, [axis])) for axis in axes)] for name in names]
    for line, name in zip(lines, names, strict=True):
        line.insert(1, f"{_share(*_obeyed(rows, name, ASKED)):.3f}")
        line.insert(2, f"{_share(*_obeyed(rows, name, [axis for axis in axes if axis not in ASKED])):.3f}")
    return table("Obeyed, as the judge reads it, % of the pictures that can show it",
                  ["contestant", "what is asked", "named traits", *axes], lines)  # fmt: skip


def _obeyed(rows: Sequence[Row], name: str, axes: Sequence[str]) -> tuple[int, int]:
    counts = [row["obeyed"].get(axis, (0, 0)) for row in rows if row["contestant"] == name for axis in axes]
    return sum(right for right, _ in counts), sum(shown for _, shown in counts)


def _spread(rows: Sequence[Row], names: Sequence[str]) -> str:
    lines = []
    for name in names:
        own = [row for row in rows if row["contestant"] == name]
        lines.append([
            _title(rows, name),
            f"{_average(row['all']['diversity'] for row in own):.2f}",
            f"{_average(row['all']['copies'] for row in own):.3f}",
            _percent(sum(row["bleed"][0] for row in own), sum(row["bleed"][1] for row in own)),
            f"{_average(row['drawn'] for row in own):,.0f}",
            f"{_average(row['trained'] for row in own):,.0f}",
            f"{_average(row['seconds'] for row in own):.0f}",
        ])  # fmt: skip
    head = ["contestant", "Vendi score of the panel", "copies of a seed", "seed's background leaks, %",
            "evaluations drawn", "trained", "seconds"]  # fmt: skip
    return table("Spread and costs, a character", head, lines)


def _gate(rows: Sequence[Row]) -> str:
    lines = []
    for view_family, found in _gates(rows).items():
        kept, true, right = found["kept"], found["true"], found["kept_true"]
        held = min(true, found["places"])
        counts = [f"{kept} of {found['places']}", f"{true} of {found['candidates']}", str(kept - right)]
        lines.append([view_family, *counts, _percent(kept - right, kept), _percent(right, held)])
    head = [
        "view family",
        "kept of places",
        "true candidates",
        "false among kept",
        "%",
        "true kept where there was room, %",
    ]
    return table("The gate of our runs against the truth", head, lines) if lines else ""


def _gates(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """By view family and in all: counts summed over characters."""
    gates = [row["gate"] for row in rows if "gate" in row]
    if not gates:
        return {}
    summed: dict[str, Counter[str]] = {view_family: Counter() for view_family in (*ALL_VIEW_FAMILIES, ALL)}
    for gate in gates:
        for view_family in ALL_VIEW_FAMILIES:
            summed[view_family].update(gate[view_family])
            summed[ALL].update(gate[view_family])
    return {view_family: dict(counts) for view_family, counts in summed.items()}


def _bars(rows: Sequence[Row]) -> str:
    """The bars that these rows can be held against."""
    lines = [*_identity_bars(rows), *_gate_bars(rows), *_control_bars(rows)]
    return table("Bars", ["measure", "bar", "found", "met"], lines) if lines else ""


def _identity_bars(rows: Sequence[Row]) -> list[list[str]]:
    lines = []
    for view_family in ALL_VIEW_FAMILIES:
        ours, floor = paired(rows, [OURS, FLOOR], view_family)
        if ours:
            one = difference(ours, floor)
            lines.append([f"identity above the seed alone, {view_family}", "> 0", str(one), _met(one.value > 0)])
        ours, floor, ceiling = paired(rows, [OURS, FLOOR, CEILING], view_family)
        if len(ours) >= FEWEST and (share := share_closed(ours, floor, ceiling).share):
            lines.append([f"share closed, {view_family}", f"≥ {CLOSED}", str(share), _met(share.value >= CLOSED)])
    return lines


def _gate_bars(rows: Sequence[Row]) -> list[list[str]]:
    if not (found := _gates(rows).get(ALL)):
        return []
    false = 1 - _share(found["kept_true"], found["kept"])
    power = _share(found["kept_true"], min(found["true"], found["places"]))
    return [
        ["false among kept", f"≤ {FALSE_AT_FIRST:.2f}, aim {FALSE:.2f}", f"{false:.3f}", _met(false <= FALSE_AT_FIRST)],
        ["true kept where there was room", f"≥ {POWER}", f"{power:.3f}", _met(power >= POWER)],
    ]


def _control_bars(rows: Sequence[Row]) -> list[list[str]]:
    (ours, shown), (base, of_base) = (_obeyed(rows, name, ASKED) for name in (OURS, BASE))
    if not (shown and base):
        return []
    ratio = _share(ours, shown) / _share(base, of_base)
    return [["obedience against the base's", f"≥ {CONTROL}", f"{ratio:.3f}", _met(ratio >= CONTROL)]]


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f}" if whole else "–"


def _average(values: Any) -> float:
    row = list(values)
    return sum(row) / len(row) if row else float("nan")
