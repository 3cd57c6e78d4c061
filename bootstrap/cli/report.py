"""``bootstrap report``: write the page of a run anew, beside the engine, also of a run that is not finished."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from bootstrap.report import write_report
from bootstrap.store.store import Store

__all__ = ["report_command"]


def report_command(run: Path) -> None:
    """Write report.html into the run."""
    with Store.open(run, exclusive=False) as store:
        character = json.loads(store.recall("character") or "{}")
        typer.echo(write_report(store, run / "report.html", character.get("name", run.name)))
