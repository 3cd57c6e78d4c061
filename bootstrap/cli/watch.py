"""``bootstrap watch``: a run of another process, live on a terminal, as plain lines elsewhere; it ends with the run."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bootstrap.listeners.terminal import QUIET
from bootstrap.runs.following import RunUpdate, engine_is_running, follow
from bootstrap.runs.sentences import duration, sentence
from bootstrap.runs.status import status
from bootstrap.store.store import Store

__all__ = ["watch_command", "watch_run"]

LINES = 12
"""Latest events that the live view shows."""


def watch_command(run: Path) -> None:
    """Follow the run until it ends; exits 1 when nobody works on it any more before that."""
    with Store.open(run, exclusive=False) as store:
        ended = watch_run(store, Console(highlight=False))
    if not ended:
        typer.echo("nobody works on this run; the command that began it goes on where it stopped", err=True)
        raise typer.Exit(1)


def watch_run(store: Store, out: Console, every: float = 1.0) -> bool:
    """Show the run on ``out``, an update every so many seconds; whether it was finished when nobody worked any more."""
    updates = follow(store, lambda: engine_is_running(store.directory), every)
    stage = ""
    if out.is_terminal:
        latest: deque[str] = deque(maxlen=LINES)
        with Live(console=out, auto_refresh=False) as live:
            for update in updates:
                latest.extend(_said(update))
                live.update(_view(store, update, latest), refresh=True)
                stage = update.standing.stage
    else:
        for update in updates:
            for line in _said(update):
                out.print(Text(line), soft_wrap=True)
            stage = update.standing.stage
    return stage == "finished"


def _said(update: RunUpdate) -> list[str]:
    """The fresh events as lines, without those that a bar tells."""
    return [sentence(event) for event in update.new_events if not isinstance(event, QUIET)]


def _view(store: Store, update: RunUpdate, latest: deque[str]) -> RenderableType:
    """The whole screen: counts, view families, the present stage, the latest events."""
    facts, now = status(store), update.standing
    wanted = f" of {facts['target']}" if facts["target"] else ""
    head = Text(f"{facts['kept']}{wanted} kept, {facts['provisional']} provisional", style="bold")
    families = Table.grid(padding=(0, 1))
    for view_family, one in facts["families"].items():
        there, quota = one["kept"] + one["provisional"], one["quota"] or 1
        families.add_row(
            view_family, ProgressBar(total=quota, completed=min(there, quota), width=24), f"{there} / {quota}"
        )
    lines = Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in latest))
    return (
        Group(head, families, Text(), _stage(update), Text(), lines)
        if now.stage != "finished"
        else Group(head, families, Text(), lines)
    )


def _stage(update: RunUpdate) -> RenderableType:
    """What is being done, with a bar and an estimate where it can be counted."""
    now = update.standing
    said = f"round {now.round}, {now.stage}" + ("" if update.running else " (nobody is working on it)")
    if not now.total:
        return Text(said)
    line = Table.grid(padding=(0, 1))
    left = "" if now.left is None else f"about {duration(now.left)} left"
    line.add_row(said, ProgressBar(total=now.total, completed=now.done, width=30), f"{now.done}/{now.total}", left)
    return line
