"""A finished run whose database lost a page: the same command makes it whole again, and says what happened."""

import sqlite3
from contextlib import closing

import pytest

from bootstrap.events import Incident
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


def everything(run):
    """What a run has decided: verdicts, pictures and phases."""
    with Store.open(run, exclusive=False) as store:
        kinds = {id: verdict.kind for id, verdict in store.verdicts().items()}
        pixels = {frame.job.id: frame.digest for frame in store.frames()}
        return kinds, pixels, [one.phase for one in store.rounds()]


def told(run):
    with Store.open(run, exclusive=False) as store:
        return [event.text for event in store.events() if isinstance(event, Incident) and event.what == "damage"]


@pytest.mark.parametrize("table", ["events", "jobs", "verdicts", "facts"])
def test_what_a_lost_page_held_is_restored_from_the_snapshot(finished, call, table):
    run, arguments = finished
    before = everything(run)
    lose_a_page(run / "run.db", table)
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert "run.db was damaged" in done.err
    assert "restored from run.db.snapshot-" in done.err
    assert everything(run) == before
    assert any("nothing was lost" in text or "could not be read" in text for text in told(run))
    assert (run / "run.db.damaged-1").is_file()
    assert len(list((run / "dataset" / "10_redchr").glob("*.png"))) == 4
    assert "run.db was damaged" in (run / "report.html").read_text()


def without_snapshots(run):
    for one in run.glob("run.db.snapshot-*"):
        one.unlink()


@pytest.mark.parametrize("table", ["frames", "measurements", "rounds", "verdicts"])
def test_without_a_snapshot_the_rows_are_made_again_and_the_loss_is_told(finished, call, table):
    run, arguments = finished
    kinds, pixels, phases = everything(run)
    without_snapshots(run)
    lose_a_page(run / "run.db", table)
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert "run.db was damaged" in done.err
    kinds, again, played = everything(run)
    taken = list(kinds.values())
    assert taken.count(VerdictKind.KEEP) + taken.count(VerdictKind.PROVISIONAL) == 4
    assert all(again.get(id, digest) == digest for id, digest in pixels.items()), "no picture is another one now"
    assert played[: len(phases)] == phases


@pytest.mark.parametrize("state", ["missing", "empty", "cut", "padded"])
def test_a_database_that_is_gone_is_no_new_run(finished, call, state):
    run, arguments = finished
    before, database = everything(run), run / "run.db"
    data = database.read_bytes()
    database.write_bytes({"cut": data[:300], "padded": data + bytes(5000)}.get(state, b""))
    if state == "missing":
        database.unlink()
    if state in ("missing", "empty"):
        said = call("status", run)
        assert said.code == 2
        assert "run.db.snapshot-" in said.line
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert everything(run) == before
    assert ("was damaged" in done.err) == (state != "padded")


def test_lost_facts_without_a_snapshot_are_refused_in_one_line_and_nothing_is_touched(finished, call):
    run, arguments = finished
    without_snapshots(run)
    lose_a_page(run / "run.db", "facts")
    before = (run / "run.db").read_bytes()
    done = call("run", *arguments, "--out", run)
    assert done.code == 2
    assert "what the run was begun with is lost" in done.line
    assert (run / "run.db").read_bytes() == before


def test_without_a_snapshot_a_lost_row_of_a_lora_is_read_from_its_file_and_a_lost_fact_is_named(finished, call):
    run, arguments = finished
    with Store.open(run, exclusive=False) as store:
        before = store.adapters()
    without_snapshots(run)
    with closing(sqlite3.connect(run / "run.db")) as db, db:
        db.execute("DELETE FROM adapters WHERE seq = 1")
        db.execute("UPDATE facts SET value = value || ' ' WHERE name = 'delivered'")
    done = call("run", *arguments, "--out", run)
    assert done.code == 0, done.err
    assert "taken in again from the LoRA files themselves: 1 adapters" in done.err
    assert "facts of the run that are lost: 'delivered'" in done.err
    assert "trained again" not in done.err
    with Store.open(run, exclusive=False) as store:
        assert store.adapters() == before
