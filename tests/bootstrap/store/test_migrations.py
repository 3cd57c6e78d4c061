"""A run that an earlier version left behind opens with the present one, and a step that fails changes nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bootstrap.errors import StoreError
from bootstrap.events import BatchGenerated, FramesJudged, RoundBegan, WavePlanned
from bootstrap.records import JobKind, RoundOutcome, VerdictKind
from bootstrap.runs.status import status
from bootstrap.store import schema
from bootstrap.store.store import Store
from scoring.base import Measurement, not_applicable

EARLIER = sorted(Path(__file__).parent.glob("version*.sql"))


@pytest.fixture(params=EARLIER, ids=lambda path: path.stem)
def earlier(request, run):
    """The folder of a run of an earlier version, with one row of everything."""
    run.mkdir()
    with closing(sqlite3.connect(run / "run.db")) as db:
        db.executescript(request.param.read_text())
    return run


def test_every_version_that_was_ever_written_is_kept_as_an_example():
    assert [path.stem for path in EARLIER] == [f"version{n}" for n in range(1, schema.VERSION + 1)]


def test_an_earlier_run_says_everything_it_knew(earlier):
    with Store.open(earlier) as store:
        job = store.jobs()[0]
        assert (job.kind, job.shot.view_family, job.random_seed) == (JobKind.CANDIDATE, "behind", 7)
        assert job.traits == {"hair": "blue hair"}
        assert store.recall("config") == "{}"
        assert store.decision("deadline") == "07:00"
        assert store.seeds()[0].tags == ("pose=standing", "style=")
        assert store.rounds()[0].outcome == RoundOutcome(kept=1)
        assert store.kept()[0].job == job
        assert store.verdicts()[job.id].kind is VerdictKind.KEEP
        assert store.measurements()[job.id] == {"clip": Measurement(0.5), "face": not_applicable("no face from behind")}
        assert store.adapters()[0].steps == 10
        assert store.timings() == {"generate": 2.0, "train": 1.0}
        assert [type(event) for event in store.events()] == [RoundBegan, WavePlanned, BatchGenerated, FramesJudged]
        assert status(store)["kept"] == 1
        assert version_of(earlier) == schema.VERSION


def test_a_new_step_is_applied_once_and_keeps_what_was_there(earlier, monkeypatch):
    calls = []

    def step(db):
        calls.append(db.execute("SELECT count(*) FROM frames").fetchone()[0])
        db.execute("ALTER TABLE frames ADD COLUMN note TEXT NOT NULL DEFAULT ''")

    later(monkeypatch, step)
    for _ in range(2):
        with Store.open(earlier) as store:
            assert len(store.kept()) == 1
    assert calls == [1]
    assert version_of(earlier) == schema.VERSION


def test_a_step_that_fails_changes_nothing(earlier, monkeypatch):
    def step(db):
        db.execute("DELETE FROM verdicts")
        db.execute("INSERT INTO no_such_table VALUES (1)")

    with monkeypatch.context() as patch:
        later(patch, step)
        with pytest.raises(StoreError, match="cannot be used"):
            Store.open(earlier)
        assert version_of(earlier) == schema.VERSION - 1, "each step is whole or not at all"
        assert not list(earlier.glob("*damaged*")), "a fault of the program is no damage of the file"
    with Store.open(earlier) as store:
        assert len(store.kept()) == 1


def test_a_run_of_a_later_version_is_refused_by_both_numbers(earlier, monkeypatch):
    with monkeypatch.context() as patch:
        later(patch, lambda db: None)
        Store.open(earlier).close()
    with pytest.raises(StoreError, match=rf"'{schema.VERSION + 1}', this program knows '{schema.VERSION}'"):
        Store.open(earlier)


def later(patch, step):
    """Pretend that one more step was written."""
    patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    patch.setattr(schema, "VERSION", len(schema.MIGRATIONS))


def version_of(run):
    with closing(sqlite3.connect(run / "run.db")) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]
