"""``bootstrap status`` and ``bootstrap report``: where a run stands, read beside the engine, without a model."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from bootstrap.report import write_report
from bootstrap.report.status import status
from bootstrap.store.store import Store

__all__ = ["report_command", "status_command"]


def status_command(run: Path, *, as_json: bool) -> None:
    """Print the status as a table, or as JSON."""
    with Store.open(run, exclusive=False) as store:
        facts = status(store)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    table = Table("view family", "kept", "provisional", "quota", box=None)
    for family, counts in facts["families"].items():
        table.add_row(family, *(str(counts[key]) for key in ("kept", "provisional", "quota")))
    out = Console()
    out.print(
        f"{facts['kept']} kept, {facts['provisional']} provisional, {facts['seeds']} seeds, phase {facts['phase']}"
    )
    out.print(table)


def report_command(run: Path) -> None:
    """Write report.html into the run."""
    with Store.open(run, exclusive=False) as store:
        character = json.loads(store.recall("character") or "{}")
        typer.echo(write_report(store, run / "report.html", character.get("name", run.name)))
