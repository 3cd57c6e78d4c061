"""``bootstrap watch --all``: every run of a folder or a queue, live on a terminal, in plain lines, or on a page."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bootstrap.errors import UsageError
from bootstrap.machine.browser import open_in_browser
from bootstrap.machine.plain_console import PlainConsole, print_line
from bootstrap.review.overview_app import serve_overview
from bootstrap.review.serve import address_of
from bootstrap.runs.overview import OverviewRow, overview, states

__all__ = ["watch_all_command"]

EVERY = 2.0
"""Seconds between two looks."""
QUIET_LOOKS = 3
"""Looks at which nothing is at work after which the command ends: a queue's next character begins in between."""


def watch_all_command(queue: Path | None, *, page: bool, host: str, port: int) -> None:
    """Follow all runs until none is at work; with ``page`` serve them until Ctrl-C. Raises UsageError for none."""
    if queue is not None and not queue.is_file():
        raise UsageError(f'there is no queue "{queue}"', "put a character into it: bootstrap queue add …")
    if not overview(queue):
        raise UsageError("there is no run in ./runs", "begin one, or name a queue: --file queue.db")
    if page:
        address = address_of(host, port)
        typer.echo(f"all runs  {address.url}")
        open_in_browser(address.url)
        serve_overview(queue, address)
        return
    out = PlainConsole()
    with contextlib.suppress(KeyboardInterrupt):
        (_live if out.is_terminal else _lines)(queue, out)


def _live(queue: Path | None, out: PlainConsole) -> None:
    """Redraw a table until nothing is at work."""
    quiet = 0
    with Live(console=out, auto_refresh=False) as live:
        while quiet < QUIET_LOOKS:
            rows = overview(queue)
            live.update(_screen(rows), refresh=True)
            quiet = 0 if _goes_on(rows) else quiet + 1
            time.sleep(EVERY if quiet < QUIET_LOOKS else 0)


def _lines(queue: Path | None, out: PlainConsole) -> None:
    """Print a line for each run, and again when it says something else."""
    told: dict[str, str] = {}
    quiet = 0
    while quiet < QUIET_LOOKS:
        rows = overview(queue)
        for row in rows:
            line = _line(row)
            if told.get(row.folder) != line:
                print_line(out, line)
                told[row.folder] = line
        quiet = 0 if _goes_on(rows) else quiet + 1
        time.sleep(EVERY if quiet < QUIET_LOOKS else 0)


def _goes_on(rows: list[OverviewRow]) -> bool:
    return any(row.state == "at work" for row in rows)


def _line(row: OverviewRow) -> str:
    """A run in a line that changes with its stage, and not with every picture."""
    parts = [row.state, *([row.kept] if row.kept else [])]
    if row.state == "at work":
        parts.append(re.sub(r" \d+/\d+", "", row.now))
    elif row.state != "finished" and row.more:
        parts.append(row.more)
    return f"{row.name}: {', '.join(parts)}"


def _screen(rows: list[OverviewRow]) -> RenderableType:
    table = Table("character", "state", "round", "kept", "now", "left", "worked", box=None, header_style="bold")
    for row in rows:
        table.add_row(row.name, row.state, str(row.round or ""), row.kept, row.now, row.left, row.spent)
    asking = [row for row in rows if row.state in ("asks", "failed") and row.more]
    more = [Text(f"{row.name}: {row.more}", overflow="fold") for row in asking]
    return Group(Text(states(rows), style="bold"), Text(), table, *more)
