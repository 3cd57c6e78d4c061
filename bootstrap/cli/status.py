"""``bootstrap status``: where a run stands, read beside the engine, without a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from bootstrap.machine.plain_console import PlainConsole
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.sentences import duration, kept_of
from bootstrap.runs.status import status

__all__ = ["status_command"]


def status_command(run: Path, *, as_json: bool) -> None:
    """Print the status as tables, or as JSON."""
    with open_to_read(run) as store:
        facts = status(store)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    out = PlainConsole()
    out.print(_summary(facts), markup=False)
    out.print(_places("view family", facts["view_families"]))
    out.print(_places("framing", facts["framings"]))
    if facts["rounds"]:
        out.print(_rounds(facts))
    out.print(_cost(facts), markup=False)


def _summary(facts: Mapping[str, Any]) -> str:
    """Counts and the present stage, in one line."""
    seeds = "1 seed" if facts["seeds"] == 1 else f"{facts['seeds']} seeds"
    parts = [f"{kept_of(facts['kept'], facts['target'])}, {facts['provisional']} provisional, {seeds}"]
    if facts["finished"]:
        parts.append("finished")
    else:
        parts.append(f"round {facts['now']['round']}, {facts['now']['stage']}")
    if facts["missing_view_families"]:
        parts.append(f"no picture: {', '.join(facts['missing_view_families'])}")
    return "; ".join(parts)


def _places(title: str, counts: Mapping[str, Mapping[str, int | None]]) -> Table:
    """What is kept, provisional and planned in each view family or framing."""
    table = Table(title, "kept", "provisional", "quota", box=None)
    for name, one in counts.items():
        table.add_row(name, _cell(one["kept"]), _cell(one["provisional"]), _cell(one["quota"]))
    return table


def _rounds(facts: Mapping[str, Any]) -> Table:
    """A line for each round; the outcome of one that goes on is empty."""
    table = Table("round", "phase", "goal", "candidates", "kept", "held-out", box=None)
    for one in facts["rounds"]:
        outcome = one["outcome"] or {}
        held_out = outcome.get("held_out")
        if held_out is not None:
            held_out = f"{held_out:.3f}"
        cells = (one["number"], one["phase"], one["goal"], outcome.get("candidates"), one["kept"], held_out)
        table.add_row(*map(_cell, cells))
    return table


def _cell(value: object) -> str:
    """A table's cell: empty for None."""
    return "" if value is None else str(value)


def _cost(facts: Mapping[str, Any]) -> str:
    """Time and memory so far."""
    cost = f"{duration(facts['total_seconds'])} of work"
    stages = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in facts["seconds"].items())
    if stages:
        cost += f" ({stages})"
    if facts["peak_memory_mib"]:
        cost += f"; peak memory {facts['peak_memory_mib'] / 1024:.1f} GiB"
    return cost
