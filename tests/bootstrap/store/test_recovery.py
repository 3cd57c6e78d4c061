"""A damaged database: what is read, what is kept aside, what is reported."""

import re
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.errors import StoreError
from bootstrap.events import Noted
from bootstrap.records import Adapter, RoundOutcome, Verdict, VerdictKind
from bootstrap.store import recovery, schema
from bootstrap.store.rows import text_of
from bootstrap.store.store import Store
from scoring.measurement import Measurement

PAGE = 4096


@pytest.fixture
def full(run, jobs):
    """A closed run with something in every table, and several pages of jobs and events."""
    with Store.open(run, create=True) as store:
        for name in ("config", "character", "seeds"):
            store.remember(name, "{}")
        store.begin_round(1, "style", 4)
        store.plan(jobs)
        painted = [(job, Image.new("RGB", (8, 6), (job.random_seed, 10, 20)), "") for job in jobs]
        store.add_frames(painted, "a1", "fake")
        store.add_measurements({job.id: {"clip": Measurement(0.5)} for job in jobs}, {"clip": "v1"})
        store.set_verdicts([Verdict(job.id, VerdictKind.KEEP, "gate", ("fills",)) for job in jobs], 1, 1)
        (run / "a1.safetensors").write_bytes(b"weights")
        store.add_adapter(Adapter("a1", "style", 1, "a1.safetensors", "cd", 10, 0.5))
        store.end_round(1, RoundOutcome(kept=4))
    texts = [text_of(Noted(f"number {number} {'x' * 90}")) for number in range(400)]
    with closing(sqlite3.connect(run / "run.db")) as db, db:
        db.executemany("INSERT INTO events (at, kind, record) VALUES ('', 'Noted', ?)", [(text,) for text in texts])
    return run


def pages_of(path, table):
    """The numbers of the pages that hold a table, from SQLite's own map of the file; page 1 is the first."""
    with closing(sqlite3.connect(path)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    data = path.read_bytes()
    page = data[(root - 1) * PAGE : root * PAGE]
    if page[0] != 5:  # a leaf: the whole table
        return [root]
    count = int.from_bytes(page[3:5], "big")
    cells = [int.from_bytes(page[12 + 2 * n : 14 + 2 * n], "big") for n in range(count)]
    return [int.from_bytes(page[cell : cell + 4], "big") for cell in cells]


def overwrite(path, page):
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)


def test_a_lost_page_costs_its_rows_and_no_others(full):
    leaves = pages_of(full / "run.db", "events")
    assert len(leaves) > 3
    overwrite(full / "run.db", leaves[len(leaves) // 2])
    damaged = (full / "run.db").read_bytes()
    (full / "log.jsonl").write_text("what the rows have lost")
    with pytest.raises(StoreError, match=r"is damaged .*run the same `bootstrap run` again"):
        Store.open(full, exclusive=False)
    with Store.open(full) as store:
        texts = [event.text for event in store.events()]
        assert len(store.kept()) == 4
        assert [one.outcome for one in store.rounds()] == [RoundOutcome(kept=4)]
        assert len(store.adapters()) == 1
        assert store.measurements()["job-0"] == {"clip": Measurement(0.5)}
    numbers = [int(found[1]) for text in texts if (found := re.match(r"number (\d+)", text))]
    assert 350 < len(numbers) < 400
    assert numbers[0] == 0
    assert numbers[-1] == 399, "what lies behind the lost page is read from the back"
    told = [text for text in texts if not text.startswith("number")]
    assert all(words in told[0] for words in ("run.db was damaged", "run.db.damaged-1", "4 frames"))
    assert f"lost: {400 - len(numbers)} events" in told[1], "what is lost is counted"
    assert (full / "run.db.damaged-1").read_bytes() == damaged
    assert (full / "run.db.damaged-1-log.jsonl").read_text() == "what the rows have lost"


def test_a_picture_whose_job_is_lost_is_made_again(full, jobs):
    [page] = pages_of(full / "run.db", "jobs")
    overwrite(full / "run.db", page)
    with Store.open(full) as store:
        assert (store.jobs(), store.frames(), store.verdicts(), store.measurements()) == ([], [], {}, {})
        store.plan(jobs)
        assert store.missing_jobs(1) == jobs
    assert len(list((full / "frames").rglob("*.png"))) == 4, "no picture was deleted"


def test_a_database_that_nobody_can_read_stays_and_is_told(full):
    (full / "run.db").write_bytes(b"this is no database, " * 900)
    before = (full / "run.db").read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"beyond reading .*nothing was deleted"):
            Store.open(full)
    assert (full / "run.db").read_bytes() == before
    assert sorted(path.name for path in full.glob("run.db*")) == ["run.db"]


def test_lost_facts_are_not_guessed(full):
    [page] = pages_of(full / "run.db", "facts")
    overwrite(full / "run.db", page)
    with pytest.raises(StoreError, match="what the run was begun with is lost"):
        Store.open(full)


def test_what_stands_in_the_log_alone_is_recovered_too(full):
    store = Store.open(full)
    store.append_event(Noted("the last word"))
    shutil.copytree(full, full.with_name("killed"), ignore=shutil.ignore_patterns("run.lock", "*-shm"))
    store.close()
    killed = full.with_name("killed")
    assert (killed / "run.db-wal").stat().st_size
    overwrite(killed / "run.db", pages_of(full / "run.db", "events")[1])
    with Store.open(killed) as opened:
        assert "the last word" in [event.text for event in opened.events()]
    assert (killed / "run.db.damaged-1-wal").stat().st_size


def test_a_torn_end_of_the_log_loses_only_what_was_not_finished(full):
    store = Store.open(full)
    store.append_event(Noted("a"))
    store.append_event(Noted("b"))
    torn = full.with_name("torn")
    shutil.copytree(full, torn, ignore=shutil.ignore_patterns("run.lock", "*-shm"))
    store.close()
    log = (torn / "run.db-wal").read_bytes()
    (torn / "run.db-wal").write_bytes(log[:-PAGE])
    with Store.open(torn) as opened:
        assert [event.text for event in opened.events()][-1] == "a"
        assert opened.recovered == ()


def test_a_kill_between_the_two_renames_is_finished_by_the_next_open(full, monkeypatch):
    overwrite(full / "run.db", pages_of(full / "run.db", "events")[1])

    def killed(path: Path) -> None:
        if path.with_name("run.db.recovered").is_file():
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "finish_swap", killed)
        with pytest.raises(KeyboardInterrupt):
            Store.open(full)
    assert (full / "run.db.recovered").is_file()
    with Store.open(full) as store:
        assert len(store.kept()) == 4


def test_rounds_behind_a_gap_are_played_again(full):
    with closing(sqlite3.connect(full / "run.db")) as db, db:
        db.executemany("INSERT INTO rounds (number, phase, goal) VALUES (?, 'style', 4)", [(3,), (4,)])
    overwrite(full / "run.db", pages_of(full / "run.db", "events")[1])
    with Store.open(full) as store:
        assert [one.number for one in store.rounds()] == [1]


def test_tables_of_any_version_can_be_built():
    with closing(sqlite3.connect(":memory:")) as db:
        schema.build(db, schema.VERSION)
        names = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert names == set(recovery.TABLES), "recovery knows every table"


def test_a_kill_while_the_database_was_made_is_no_damage(tmp_path):
    """What a killed process leaves of its first transaction: a first page, and a journal that undoes it."""
    run = tmp_path / "run"
    run.mkdir()
    with closing(sqlite3.connect(run / "run.db")) as db:
        db.execute("PRAGMA user_version = 1")
    page, sector = ((run / "run.db").stat().st_size, 512)
    head = bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", 0, 1, 0, sector, page)
    (run / "run.db-journal").write_bytes(head.ljust(sector, b"\0"))
    with Store.open(run, create=True) as store:
        assert store.recovered == ()
        assert store.frames() == []
