"""Likeness of pictures in the right view: `python -m tests.benchmarks.puppetbench.views --work FOLDER`.

A LoRA that repeats the seed whatever the prompt gets a high likeness; so a picture that the judge reads as another view
family than the prompt's counts as 0 here. Reads finished panels and rows and draws no new pictures; `views.md` is added
beside the table. Does NOT know how a contestant gets its LoRA.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.store.files import write_atomic
from tests.benchmarks.puppetbench import rows
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.panels import panel_path, read_panel
from tests.benchmarks.puppetbench.rows import Row
from tests.benchmarks.puppetbench.settings import TITLES
from tests.benchmarks.puppetbench.shares import difference, mean

ALL = "all"
Found = dict[str, dict[int, dict[str, tuple[float, float]]]]
"""Contestant → character → view family (or "all") → share of views obeyed, likeness with the others counted as 0."""


def inspect(work: Path, contestants: Sequence[str], judge: Any) -> Found:
    """Every finished panel; ``judge`` reads its view families."""
    found: Found = {}
    for row in rows.read_all(work, contestants):
        path = panel_path(work, row["character"], row["contestant"])
        if path.is_file():
            read = judge.read(read_panel(path, row["all"]["pictures"]))["view_family"]
            found.setdefault(row["contestant"], {})[row["character"]] = obeyed_likeness(row, _asked(work, row), read)
    return found


def obeyed_likeness(row: Row, asked: Sequence[str], read: Sequence[str]) -> dict[str, tuple[float, float]]:
    """View family (or "all") → share of pictures that show it, mean likeness with the others counted as 0."""
    wanted, right = np.array(asked), np.array(asked) == np.array(read)
    likeness: NDArray[np.float64] = np.array(row["likeness"]) * right
    values = {}
    for view_family in ALL_VIEW_FAMILIES:
        own = wanted == view_family
        if own.any():
            values[view_family] = float(right[own].mean()), float(likeness[own].mean())
    values[ALL] = float(right.mean()), float(likeness.mean())
    return values


def _asked(work: Path, row: Row) -> list[str]:
    plain = json.loads((work / "characters" / str(row["character"]) / "panel.json").read_text("utf-8"))
    return [shot["view_family"] for shot in plain]


def markdown_of(found: Found) -> str:
    """The likeness and the obeyed views of each contestant, and ours minus each other one, paired."""
    there = [name for name in TITLES if name in found]
    columns = [*ALL_VIEW_FAMILIES, ALL]
    lines = [
        [TITLES[name], *(f"{_mean(found[name], one, 1):.3f} ({_mean(found[name], one, 0):.0%})" for one in columns)]
        for name in there
    ]
    for other in there:
        pairs = sorted(set(found.get("ours", {})) & set(found[other]))
        if other != "ours" and pairs:
            values = [[[found[name][c][one][1] for c in pairs] for name in ("ours", other)] for one in columns]
            lines.append([f"**ours − {TITLES[other]}**", *(str(difference(*pair)) for pair in values)])
    title = "Likeness where the view was shown, another view counting nothing (views shown)"
    return table(title, ["contestant", *columns], lines) + "\n"


def _mean(one: dict[int, dict[str, tuple[float, float]]], column: str, place: int) -> float:
    return mean([each[column][place] for each in one.values()]).value


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, look, and write the table."""
    from bootstrap.puppets.judge import load_judge

    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.puppetbench.views", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/puppetbench"))
    given = parser.parse_args(arguments)
    try:
        found = inspect(given.work, list(TITLES), load_judge())
        if not found:
            raise UsageError(f"there is no finished panel in '{given.work}'", "run the benchmark into it first")
        text = markdown_of(found)
        write_atomic(given.work / "views.md", text.encode())
        sys.stdout.write(text)
    except BootstrapError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
