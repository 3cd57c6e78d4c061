"""``bootstrap report``: write the page of a run anew, beside the engine, also of a run that is not finished."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from bootstrap.report import write_report
from bootstrap.runs.open_to_read import open_to_read

__all__ = ["report_command"]


def report_command(run: Path, out: Path | None = None) -> None:
    """Write report.html into the run, or the page ``out``."""
    with open_to_read(run) as store:
        character = json.loads(store.recall("character") or "{}")
        typer.echo(write_report(store, out or run / "report.html", character.get("name", run.name)))
