"""`bootstrap watch`: another process's run, told until it ends."""

from __future__ import annotations

import io

from rich.console import Console
from typer.testing import CliRunner

from bootstrap.cli import app as commands
from bootstrap.cli.watch import watch_run
from bootstrap.events import RunEnded
from bootstrap.runs.fakes import FAKE
from bootstrap.store.store import Store

ENDED = RunEnded(3, 1, "final-r02", "report.html")


def test_plain_lines_where_there_is_no_terminal(store: Store) -> None:
    store.append_event(ENDED)
    out = Console(file=io.StringIO(), width=20)
    assert watch_run(store, out)
    assert isinstance(out.file, io.StringIO)
    lines = out.file.getvalue().splitlines()
    assert lines[0] == FAKE
    assert lines[1].startswith("  trained r01-style: 100 steps on 3 pictures")
    assert lines[-1] == "finished: 3 kept and 1 provisional; adapter final-r02, report report.html"


def test_a_terminal_shows_families_and_the_stage(store: Store, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("bootstrap.cli.watch.engine_is_running", lambda run: False)
    store.begin_round(2, "character", 4)
    out = Console(file=io.StringIO(), force_terminal=True, width=100)
    assert not watch_run(store, out)
    assert isinstance(out.file, io.StringIO)
    screen = out.file.getvalue()
    for said in (
        "3 of 4 kept, 1 provisional",
        "behind",
        "trained final-r02",
        "round 2, choosing",
        "nobody is working on it",
    ):
        assert said in screen


def test_a_run_that_stopped_is_told_and_fails(store: Store) -> None:
    directory = store.directory
    store.close()
    result = CliRunner().invoke(commands.app, ["watch", str(directory)])
    assert result.exit_code == 1
    assert "nobody works on this run" in result.stderr
