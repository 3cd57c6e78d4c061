"""``bootstrap watch``: a run of another process, live on a terminal, as plain lines elsewhere; it ends with the run."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bootstrap.events import Event
from bootstrap.listeners.terminal import QUIET
from bootstrap.machine.browser import open_in_browser
from bootstrap.machine.plain_console import PlainConsole, print_line
from bootstrap.review.live import LIVE
from bootstrap.review.serve import address_of, served_beside
from bootstrap.runs.fakes import fake_note
from bootstrap.runs.following import RunUpdate, engine_is_running, follow
from bootstrap.runs.open_to_read import open_to_judge, open_to_read
from bootstrap.runs.sentences import kept_of, now_told, purpose, sentence, short_sentence
from bootstrap.runs.status import status
from bootstrap.store.store import Store

__all__ = ["watch_command", "watch_run"]

LINES = 12
"""Latest events that the live view shows."""


def watch_command(run: Path, *, page: bool = False, host: str = "127.0.0.1", port: int = 8386) -> None:
    """Follow the run until it ends; exits 1 when its process ends before that.

    With ``page`` a live page of it is served meanwhile; on a terminal it stays until Ctrl-C. Raises UsageError when its
    address is taken.
    """
    out = PlainConsole()
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_to_read(run))
        if page:
            address = address_of(host, port)
            judged = stack.enter_context(open_to_judge(run)[0])
            stack.enter_context(served_beside(judged, address))
            typer.echo(f"live    {address.url_of(LIVE)}")
            open_in_browser(address.url_of(LIVE))
        finished = watch_run(store, out)
        if page and out.is_terminal and sys.stdin.isatty():
            typer.echo("the page stays open until Ctrl-C")
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    if not finished:
        typer.echo("nobody works on this run; the command that began it goes on where it stopped", err=True)
        raise typer.Exit(1)


def watch_run(store: Store, out: Console, every: float = 1.0) -> bool:
    """Show the run on ``out``, updated every so many seconds, until its process ends; whether it is finished then."""
    updates = follow(store, lambda: engine_is_running(store.directory), every)
    show = _show_live if out.is_terminal else _show_lines
    return show(store, out, updates) == "finished"


def _show_lines(store: Store, out: Console, updates: Iterable[RunUpdate]) -> str:
    """Print every event as a line, and the present stage when it has changed; returns the last stage."""
    stage = told = ""
    if note := fake_note(store):
        print_line(out, note)
    for update in updates:
        for line in _lines(update):
            print_line(out, line)
        stage = update.standing.stage
        if stage != told and update.running and stage != "finished":
            print_line(out, f"  {now_told(update.standing)}")
        told = stage
    return stage


def _show_live(store: Store, out: Console, updates: Iterable[RunUpdate]) -> str:
    """Redraw the screen at every update; returns the last stage."""
    stage, note = "", fake_note(store)
    latest: deque[str] = deque(maxlen=LINES)
    with Live(console=out, auto_refresh=False) as live:
        for update in updates:
            latest.extend(_lines(update, short_sentence))
            live.update(_screen(store, update, latest, note), refresh=True)
            stage = update.standing.stage
    return stage


def _lines(update: RunUpdate, told: Callable[[Event], str] = sentence) -> list[str]:
    """The new events as lines, without those that a progress bar shows."""
    return [told(event) for event in update.new_events if not isinstance(event, QUIET)]


def _screen(store: Store, update: RunUpdate, latest: Iterable[str], note: str) -> RenderableType:
    """The whole screen: counts, view families, the present stage and what its round is for, the latest events."""
    facts = status(store)
    kept = kept_of(facts["kept"], facts["target"])
    parts: list[RenderableType] = [Text(f"{kept}, {facts['provisional']} provisional", style="bold")]
    if note:
        parts.insert(0, Text(note, style="yellow"))
    families = Table.grid(padding=(0, 1))
    for view_family, one in facts["view_families"].items():
        filled, quota = one["kept"] + one["provisional"], one["quota"] or 1
        bar = ProgressBar(total=quota, completed=min(filled, quota), width=24)
        families.add_row(view_family, bar, f"{filled} / {quota}")
    parts += [families, Text()]
    if update.standing.stage != "finished":
        parts.append(_stage(update))
        if facts["phase"]:
            parts.append(Text(f"{facts['phase']} phase: {purpose(facts['phase'])}"))
        parts.append(Text())
    parts += [Text(line) for line in latest]
    return Group(*parts)


def _stage(update: RunUpdate) -> RenderableType:
    """The present stage, with a bar and an estimate where it can be counted."""
    now = update.standing
    if now.total <= 1 or not update.running:
        gone = "" if update.running else " (nobody is working on it)"
        return Text(now_told(now) + gone)
    line = Table.grid(padding=(0, 1))
    line.add_row(ProgressBar(total=now.total, completed=now.done, width=16), now_told(now))
    return line
