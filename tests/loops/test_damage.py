"""A finished run whose database lost a page: the same command makes it whole again, and says what happened."""

import sqlite3
from contextlib import closing

import pytest

from bootstrap.events import Noted
from bootstrap.records import VerdictKind
from bootstrap.store.store import Store

PAGE = 4096


def lose_a_page(path, table):
    """Overwrite the first page of a table's rows that is not its root, or the root where there is no other."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        head = file.read(PAGE)
        leaf = int.from_bytes(head[int.from_bytes(head[12:14], "big") :][:4], "big") if head[0] == 5 else root
        file.seek((leaf - 1) * PAGE)
        file.write(b"\xff" * PAGE)


@pytest.mark.parametrize(
    "table", ["events", "jobs", "frames", "measurements", "verdicts", "rounds", "adapters", "timings", "seeds"]
)
def test_what_a_lost_page_held_is_made_again(finished, call, table):
    run, arguments = finished
    with Store.open(run, exclusive=False) as store:
        played = [one.phase for one in store.rounds()]
        pixels = {frame.job.id: frame.digest for frame in store.frames()}
    lose_a_page(run / "run.db", table)
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert "run.db was damaged" in done.err
    with Store.open(run, exclusive=False) as store:
        assert any("damaged" in event.text for event in store.events() if isinstance(event, Noted))
        kinds = [verdict.kind for verdict in store.verdicts().values()]
        phases = [one.phase for one in store.rounds()]
        again = {frame.job.id: frame.digest for frame in store.frames()}
    assert kinds.count(VerdictKind.KEEP) + kinds.count(VerdictKind.PROVISIONAL) == 4
    assert all(again.get(id, digest) == digest for id, digest in pixels.items()), "no picture is another one now"
    assert phases[: len(played)] == played
    assert (run / "run.db.damaged-1").is_file()
    assert len(list((run / "dataset" / "10_redchr").glob("*.png"))) == 4


def test_lost_facts_are_refused_in_one_line_and_nothing_is_touched(finished, call):
    run, arguments = finished
    lose_a_page(run / "run.db", "facts")
    before = (run / "run.db").read_bytes()
    done = call("run", *arguments, "--out", run)
    assert done.code == 2
    assert "what the run was begun with is lost" in done.line
    assert (run / "run.db").read_bytes() == before
