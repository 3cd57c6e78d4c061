"""``bootstrap report``: write the page of a run anew, beside the engine, also of a run that is not finished."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from bootstrap.compare.bundle_page import write_bundle_page
from bootstrap.dataset.bundle_members import members_of
from bootstrap.errors import UsageError
from bootstrap.report import write_report
from bootstrap.report.frame_figures import FrameFigures
from bootstrap.report.showcase_picture import SIDE, write_showcase
from bootstrap.report.showcase_rows import showcase_of
from bootstrap.runs.open_to_read import open_to_read

__all__ = ["report_command"]


def report_command(run: Path, out: Path | None = None, showcase: Path | None = None, side: int = SIDE) -> None:
    """Write report.html into the run, or the page ``out``; or only the picture that it leads with, to ``showcase``."""
    with open_to_read(run) as store:
        character = json.loads(store.recall("character") or "{}")
        title = character.get("name", run.name)
        if members_of(store):
            typer.echo(write_bundle_page(store, out or run / "report.html"))
            return
        if showcase is None:
            typer.echo(write_report(store, out or run / "report.html", title))
            return
        rows = showcase_of(store)
        if rows is None:
            hint = "it is drawn at the end of a run: run the same command again, with loop.showcase above 0"
            raise UsageError(f'"{run}" has no showcase', hint)
        typer.echo(write_showcase(store, showcase, FrameFigures(store, showcase.parent), rows, title, side))
