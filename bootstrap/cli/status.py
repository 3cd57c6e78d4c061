"""``bootstrap status``: where a run stands, read beside the engine, without a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from bootstrap.runs.sentences import duration
from bootstrap.runs.status import status
from bootstrap.store.store import Store

__all__ = ["status_command"]


def status_command(run: Path, *, as_json: bool) -> None:
    """Print the status as tables, or as JSON."""
    with Store.open(run, exclusive=False) as store:
        facts = status(store)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    out = Console(highlight=False)
    out.print(_opening(facts), markup=False)
    for title, key in (("view family", "families"), ("framing", "framings")):
        out.print(_places(title, facts[key]))
    if facts["rounds"]:
        out.print(_rounds(facts))
    out.print(_cost(facts), markup=False)


def _opening(facts: Mapping[str, Any]) -> str:
    """What there is and what is being done, in one line."""
    now = facts["now"]
    doing = "finished" if facts["finished"] else f"round {now['round']}, {now['stage']}"
    wanted = f" of {facts['target']}" if facts["target"] else ""
    missing = f"; no picture: {', '.join(facts['missing_families'])}" if facts["missing_families"] else ""
    seeds = f"{facts['seeds']} seed{'' if facts['seeds'] == 1 else 's'}"
    counted = f"{facts['kept']}{wanted} kept, {facts['provisional']} provisional, {seeds}"
    return f"{counted}; {doing}{missing}"


def _places(title: str, counts: Mapping[str, Mapping[str, int | None]]) -> Table:
    table = Table(title, "kept", "provisional", "quota", box=None)
    for name, one in counts.items():
        table.add_row(name, *("" if one[key] is None else str(one[key]) for key in ("kept", "provisional", "quota")))
    return table


def _rounds(facts: Mapping[str, Any]) -> Table:
    table = Table("round", "phase", "goal", "candidates", "kept", "held-out", box=None)
    for one in facts["rounds"]:
        outcome = one["outcome"] or {}
        held_out = outcome.get("held_out")
        cells = [one["number"], one["phase"], one["goal"], outcome.get("candidates", ""), one["kept"]]
        table.add_row(*map(str, cells), "" if held_out is None else f"{held_out:.3f}")
    return table


def _cost(facts: Mapping[str, Any]) -> str:
    """Time and memory so far."""
    stages = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in facts["seconds"].items())
    said = f"{duration(facts['total_seconds'])} of work" + (f" ({stages})" if stages else "")
    peak = facts["peak_memory_mib"]
    return said + (f"; peak memory {peak / 1024:.1f} GiB" if peak else "")
