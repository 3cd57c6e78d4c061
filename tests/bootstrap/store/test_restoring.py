"""Rows that were altered or lost come back from a snapshot, a picture, or the copy of what a person did."""

import sqlite3
from contextlib import closing

import pytest
from PIL import Image

from bootstrap.errors import StoreError
from bootstrap.events import Incident
from bootstrap.records import Verdict, VerdictKind
from bootstrap.store.person import PERSON
from bootstrap.store.store import Store
from scoring.measurement import Measurement

REJECTED = Verdict("job-1", VerdictKind.REJECT, PERSON, ("hands",))


@pytest.fixture
def judged(run, jobs):
    """A closed run with four measured pictures, two verdicts of a person and a snapshot from before them."""
    with Store.open(run, create=True) as store:
        for name in ("config", "character", "seeds"):
            store.remember(name, "{}")
        store.begin_round(1, "style", 4)
        store.plan(jobs)
        store.add_frames(
            [(job, Image.new("RGB", (8, 6), (9, job.random_seed, 20)), parameters(job)) for job in jobs], "a1", "fake"
        )
        store.add_measurements({job.id: {"clip": Measurement(0.5)} for job in jobs}, {"clip": "v1"})
        store.set_verdicts([Verdict(job.id, VerdictKind.KEEP, "gate", ()) for job in jobs], 1, 1)
        store.snapshot()
        store.person.judge(REJECTED, 1, 1)
        store.person.judge(Verdict("job-2", VerdictKind.KEEP, PERSON, ()), 1, 1)
    return run


def parameters(job):
    return f"{job.prompt} <lora:a1:1>\nSeed: {job.random_seed}, Size: 8x6"


def change(run, statement):
    with closing(sqlite3.connect(run / "run.db")) as db, db:
        db.execute(statement)


def told(store):
    return [event.text for event in store.events() if isinstance(event, Incident) and event.what == "damage"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET record = replace(record, 'prompt', 'prompu') WHERE seq = 2",
        "UPDATE jobs SET record = substr(record, 1, 40) WHERE seq = 2",
        "UPDATE frames SET digest = 'ab' WHERE id = 'job-1'",
        "DELETE FROM frames WHERE id = 'job-1'",
        "UPDATE verdicts SET kind = 'reject' WHERE seq = 1",
        "DELETE FROM jobs",
        "DROP TABLE verdicts",
    ],
)
def test_an_altered_or_lost_row_is_restored_and_told(judged, statement):
    with Store.open(judged) as store:
        before = store.jobs(), store.frames(), store.verdicts(), store.person.versions()
    change(judged, statement)
    with Store.open(judged) as store:
        assert (store.jobs(), store.frames(), store.verdicts(), store.person.versions()) == before
        assert "run.db was damaged" in told(store)[0]
        assert any("restored" in line or "taken in again" in line for line in told(store))
    with Store.open(judged) as store:
        assert store.recovered == ()


def test_a_persons_verdict_comes_back_from_its_copy(judged):
    change(judged, "DELETE FROM verdicts WHERE by = 'person'")
    with Store.open(judged) as store:
        assert store.verdicts()["job-1"] == REJECTED
        assert any("'job-1', 'job-2'" in line for line in told(store)), "by name"


def test_without_a_copy_it_is_rebuilt_from_the_event_that_told_of_it(judged):
    (judged / "person.jsonl").unlink()
    change(judged, "DELETE FROM verdicts WHERE by = 'person'")
    change(judged, "UPDATE verdicts SET score = 7 WHERE seq = 1")
    with Store.open(judged) as store:
        assert store.verdicts()["job-1"] == REJECTED
        assert any("person's verdicts restored" in line and "'job-1'" in line for line in told(store))


def test_a_verdict_waits_for_its_lost_picture_and_is_never_lost_silently(judged, jobs):
    for one in judged.glob("run.db.snapshot-*"):
        one.unlink()
    (judged / "frames" / "r01w1" / "job-1.png").unlink()
    change(judged, "DELETE FROM frames WHERE id = 'job-1'")
    with Store.open(judged) as store:
        assert any("'job-1'" in line for line in told(store))
        store.add_frames([(jobs[1], Image.new("RGB", (8, 6), (9, 1, 20)), "")], "a1", "fake")
        store.put_back_person()
        assert store.verdicts()["job-1"] == REJECTED


def test_the_last_two_snapshots_are_kept(judged):
    with Store.open(judged) as store:
        for _ in range(3):
            store.snapshot()
    assert sorted(path.name for path in judged.glob("run.db.*")) == ["run.db.snapshot-3", "run.db.snapshot-4"]


@pytest.mark.parametrize("head", ["user_version = 5", "user_version = 0", "user_version = 3", "application_id = 7"])
@pytest.mark.parametrize("copies", [True, False])
def test_an_altered_version_or_application_is_damage_and_no_newer_or_other_program(judged, head, copies):
    with Store.open(judged) as store:
        before = store.jobs(), store.frames(), store.verdicts(), store.measurements()
    if not copies:
        for one in judged.glob("run.db.snapshot-*"):
            one.unlink()
    change(judged, f"PRAGMA {head}")
    with pytest.raises(StoreError, match=r"is damaged .*run the same `bootstrap run` again"):
        Store.open(judged, exclusive=False)
    with Store.open(judged) as store:
        assert (store.jobs(), store.frames(), store.verdicts(), store.measurements()) == before
        assert f"its {head.partition(' = ')[0].replace('_', ' ').removeprefix('user ')} is" in told(store)[0]
        assert "nothing was lost" in told(store)[-1]


def tear_a_record(path):
    """Alter a job's record while the run is open; the open run is asked for a snapshot and for its jobs."""
    with Store.open(path) as store:
        change(path, "UPDATE jobs SET record = replace(record, 'random_seed', 'random_sead') WHERE seq = 2")
        with pytest.raises(StoreError, match="damaged while it was open"):
            store.snapshot()
        store.jobs()


def test_a_record_torn_while_the_run_is_open_ends_as_a_damage_and_enters_no_snapshot(judged):
    with Store.open(judged) as store:
        before = store.jobs()
    with pytest.raises(StoreError, match=r"is damaged \(1 of jobs .*\)") as ended:
        tear_a_record(judged)
    assert "run the same `bootstrap run` again" in ended.value.hint
    with Store.open(judged) as store:
        assert store.jobs() == before
