"""`bootstrap watch --all`: every run of a folder or a queue, in lines, as a table and on a page."""

import io

import pytest
from rich.console import Console
from starlette.testclient import TestClient

from bootstrap.cli import watch_all
from bootstrap.review.overview_app import build_overview
from bootstrap.runs import listing
from bootstrap.runs import overview as overviews
from bootstrap.runs.overview import overview, states
from bootstrap.runs.queue import Queue

HOSTS = frozenset({"testserver"})


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(watch_all, "EVERY", 0)
    monkeypatch.setattr(listing, "engine_is_running", lambda run: False)  # this process holds the lock


@pytest.fixture
def queue(store, tmp_path):
    """Three characters: one whose run lies in the store's folder, one that waits, one that failed before it began."""
    queue = Queue(tmp_path / "queue.db")
    for name, folder in (("Mika", store.directory), ("Yuki", tmp_path / "yuki"), ("Zoe", tmp_path / "zoe")):
        queue.add(folder, name, tmp_path, [])
    queue.mark(1, "running")
    queue.mark(3, "failed", "its picture is gone")
    return queue


def test_a_row_says_where_a_run_stands(queue):
    rows = overview(queue.path)
    assert {row.name: row.state for row in rows} == {
        "Mika": "not finished",
        "Yuki": "waits for its turn",
        "Zoe": "failed",
    }
    mika = next(row for row in rows if row.name == "Mika")
    assert (mika.kept, mika.round) == ("3 of 4 kept", 2)
    assert states(rows) == "1 waits for its turn, 1 not finished, 1 failed"


def test_what_is_at_work_comes_first_with_what_is_left_of_its_stage(queue, monkeypatch):
    monkeypatch.setattr(listing, "engine_is_running", lambda run: run.name != "yuki")
    first = overview(queue.path)[0]
    assert (first.name, first.state) == ("Mika", "at work")


def test_lines_are_told_once(queue, call):
    done = call("watch", "--all", "--file", queue.path)
    assert done.code == 0
    assert done.out.splitlines().count("Zoe: failed, its picture is gone") == 1


def test_a_terminal_shows_a_table(queue, monkeypatch):
    out = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(watch_all, "PlainConsole", lambda: out)
    watch_all.watch_all_command(queue.path, page=False, host="127.0.0.1", port=8386)
    for text in ("character", "worked", "Mika", "3 of 4 kept", "Zoe: its picture is gone"):
        assert text in out.file.getvalue()


def test_the_page_shows_the_same_behind_the_guard(queue):
    client = TestClient(build_overview(queue.path, HOSTS))
    assert "All runs" in client.get("/").text
    state = client.get("/api/overview").json()
    assert [row["name"] for row in state["rows"]] == [row.name for row in overview(queue.path)]
    assert client.get("/", headers={"host": "elsewhere"}).status_code != 200


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--all"], 'there is no run in ./runs'),
        (["--all", "--file", "no.db"], 'there is no queue "no.db"'),
        ([], "name one run, or --all"),
        (["runs/mika", "--all"], "name one run, or --all"),
    ],
)  # fmt: skip
def test_nothing_to_watch_is_one_line(words, line, call):
    done = call("watch", *words)
    assert done.code == 2
    assert line in done.line


def test_a_damaged_run_is_a_row(queue, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "run.db").write_bytes(b"no database")
    queue.add(broken, "Ann", tmp_path, [])
    assert next(row for row in overview(queue.path) if row.name == "Ann").state in ("failed", overviews.WAITS)
