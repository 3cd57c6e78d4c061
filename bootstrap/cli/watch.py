"""``bootstrap watch``: a run of another process, live on a terminal, as plain lines elsewhere; it ends with the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bootstrap.listeners.terminal import QUIET
from bootstrap.machine.plain_console import PlainConsole
from bootstrap.runs.following import RunUpdate, engine_is_running, follow
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.sentences import duration, kept_of, sentence
from bootstrap.runs.status import status
from bootstrap.store.store import Store

__all__ = ["watch_command", "watch_run"]

LINES = 12
"""Latest events that the live view shows."""


def watch_command(run: Path) -> None:
    """Follow the run until it ends; exits 1 when its process ends before that."""
    with open_to_read(run) as store:
        finished = watch_run(store, PlainConsole())
    if not finished:
        typer.echo("nobody works on this run; the command that began it goes on where it stopped", err=True)
        raise typer.Exit(1)


def watch_run(store: Store, out: Console, every: float = 1.0) -> bool:
    """Show the run on ``out``, updated every so many seconds, until its process ends; whether it is finished then."""
    updates = follow(store, lambda: engine_is_running(store.directory), every)
    show = _show_live if out.is_terminal else _show_lines
    return show(store, out, updates) == "finished"


def _show_lines(store: Store, out: Console, updates: Iterable[RunUpdate]) -> str:
    """Print every event as a line; returns the last stage."""
    stage = ""
    for update in updates:
        for line in _lines(update):
            out.print(Text(line), soft_wrap=True)
        stage = update.standing.stage
    return stage


def _show_live(store: Store, out: Console, updates: Iterable[RunUpdate]) -> str:
    """Redraw the screen at every update; returns the last stage."""
    stage = ""
    latest: deque[str] = deque(maxlen=LINES)
    with Live(console=out, auto_refresh=False) as live:
        for update in updates:
            latest.extend(_lines(update))
            live.update(_screen(store, update, latest), refresh=True)
            stage = update.standing.stage
    return stage


def _lines(update: RunUpdate) -> list[str]:
    """The new events as lines, without those that a progress bar shows."""
    return [sentence(event) for event in update.new_events if not isinstance(event, QUIET)]


def _screen(store: Store, update: RunUpdate, latest: Iterable[str]) -> RenderableType:
    """The whole screen: counts, view families, the present stage, the latest events."""
    facts = status(store)
    kept = kept_of(facts["kept"], facts["target"])
    parts: list[RenderableType] = [Text(f"{kept}, {facts['provisional']} provisional", style="bold")]
    families = Table.grid(padding=(0, 1))
    for view_family, one in facts["view_families"].items():
        filled, quota = one["kept"] + one["provisional"], one["quota"] or 1
        bar = ProgressBar(total=quota, completed=min(filled, quota), width=24)
        families.add_row(view_family, bar, f"{filled} / {quota}")
    parts += [families, Text()]
    if update.standing.stage != "finished":
        parts += [_stage(update), Text()]
    for line in latest:
        parts.append(Text(line, no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def _stage(update: RunUpdate) -> RenderableType:
    """The present stage, with a bar and an estimate where it can be counted."""
    now = update.standing
    stage = f"round {now.round}, {now.stage}"
    if not update.running:
        stage += " (nobody is working on it)"
    if not now.total:
        return Text(stage)
    left = ""
    if now.left is not None:
        left = f"about {duration(now.left)} left"
    line = Table.grid(padding=(0, 1))
    line.add_row(stage, ProgressBar(total=now.total, completed=now.done, width=30), f"{now.done}/{now.total}", left)
    return line
