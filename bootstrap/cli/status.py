"""``bootstrap status``: where a run stands, read beside the engine, without a model."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from bootstrap.errors import UsageError
from bootstrap.machine.plain_console import PlainConsole, print_line
from bootstrap.runs.fakes import FAKE
from bootstrap.runs.following import engine_is_running
from bootstrap.runs.listing import ListedRun, listed, runs_below, runs_here
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.present_stage import with_progress
from bootstrap.runs.sentences import duration, kept_of, now_told
from bootstrap.runs.standing import Standing, standing
from bootstrap.runs.status import status
from bootstrap.store.run_folder import holds_database

__all__ = ["status_command"]

DAY = 24 * 3600.0


def status_command(run: Path | None, *, as_json: bool) -> None:
    """Print the status of a run as tables, or as JSON; of a folder of runs, or where none is named, a list of them."""
    if run is None or not holds_database(run):
        folders = runs_here() if run is None else runs_below(run)
        if folders:
            _list(folders, as_json=as_json)
            return
        if run is None:
            raise UsageError("there is no run in ./runs", "begin one: bootstrap run seed.png character.json")
    with open_to_read(run) as store:
        facts = status(store)
        if engine_is_running(run):
            facts["now"] = asdict(with_progress(run, standing(store)))
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    out = PlainConsole()
    if facts["fake"]:
        print_line(out, FAKE)
    print_line(out, _summary(facts))
    out.print(_places("view family", facts["view_families"]))
    out.print(_places("framing", facts["framings"]))
    if facts["rounds"]:
        out.print(_rounds(facts))
    print_line(out, _cost(facts))


def _list(folders: Sequence[Path], *, as_json: bool) -> None:
    """Print the runs, the one that was worked on last first, each with its next command."""
    rows = sorted((listed(folder) for folder in folders), key=lambda one: -one.active)
    if as_json:
        plain = [{**asdict(row), "folder": str(row.folder)} for row in rows]
        typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row.folder}: {_standing(row)}; last active {_ago(row.active)}")
        if row.command:
            typer.echo(f"    {row.command}")
        elif row.facts:
            typer.echo("    the command that began it goes on where it stopped")


def _standing(row: ListedRun) -> str:
    """Phase, counts, and whether a process works on it; what is wrong with a run that cannot be read."""
    if row.facts is None:
        return f"cannot be read ({row.problem})"
    facts = row.facts
    parts = [*(["fake"] if facts["fake"] else []), kept_of(facts["kept"], facts["target"])]
    if facts["phase"] and not facts["finished"]:
        parts.insert(0, f"{facts['phase']} phase, round {facts['now']['round']}")
    if row.running:
        parts.append("at work")
    else:
        parts.append("finished" if facts["finished"] else "not finished")
    return ", ".join(parts)


def _ago(moment: float) -> str:
    """How long ago, or the day where that is more than two."""
    seconds = max(0.0, time.time() - moment)
    if seconds < 2 * DAY:
        return f"{duration(seconds)} ago"
    return f"on {datetime.fromtimestamp(moment).astimezone():%Y-%m-%d}"


def _summary(facts: Mapping[str, Any]) -> str:
    """Counts and the present stage, in one line."""
    seeds = "1 seed" if facts["seeds"] == 1 else f"{facts['seeds']} seeds"
    parts = [f"{kept_of(facts['kept'], facts['target'])}, {facts['provisional']} provisional, {seeds}"]
    if facts["finished"]:
        parts.append("finished")
    else:
        parts.append(now_told(Standing(**facts["now"])))
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
