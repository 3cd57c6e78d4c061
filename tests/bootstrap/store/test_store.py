from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image

import bootstrap
from bootstrap.errors import OutputError, StoreError, UsageError
from bootstrap.events import BatchGenerated, Event, Noted, Progress, RoundBegan
from bootstrap.records import Adapter, Frame, Job, JobKind, Reference, Round, RoundOutcome, Seed, Verdict, VerdictKind
from bootstrap.store.decisions import (
    AcceptanceBudget,
    Accepted,
    ApprovalOpened,
    ApprovalRequested,
    AuditSample,
    BatchLimit,
    Blend,
    Deadline,
    Decision,
    DrawerChosen,
    EarlierDecision,
    FinalCandidates,
    GradientCheckpointing,
    HandedOut,
    InboxPicture,
    LoraStartChosen,
    MendingPlanned,
    PairRead,
    PairsChosen,
    PersonBoundary,
    PictureRefused,
    RoundApproved,
    RoundBudget,
    SharesChosen,
    ShowcaseBudget,
    StrengthsChosen,
    VaeTiles,
    VerdictFit,
    WaveBudget,
    WaveCut,
    WeightHeld,
)
from bootstrap.store.rows import text_of
from bootstrap.store.schema import connect
from bootstrap.store.store import Store
from scoring.measurement import Measurement, digest_of, not_applicable


def painted(jobs: list[Job]) -> list[tuple[Job, Image.Image, str]]:
    return [(job, Image.new("RGB", (8, 6), (job.random_seed, 10, 20)), "Steps: 20") for job in jobs]


def filled(store: Store, jobs: list[Job]) -> list[Frame]:
    store.plan(jobs)
    return store.add_frames(painted(jobs), "a1", "fake")


def verdict(frame: Frame, kind: VerdictKind, by: str = "gate") -> Verdict:
    return Verdict(frame.job.id, kind, by, ("fills behind 2→3",), 0.01, 1.5)


@pytest.mark.usefixtures("durable")
def test_every_transaction_waits_for_the_disk(run: Path) -> None:
    with closing(connect(run)) as database:
        assert database.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_everything_survives_closing(run: Path, jobs: list[Job]) -> None:
    seed = Seed("seeds/a.png", "ab", "a.png", "front", "from front", "portrait", "default", ("smile",), "sidecar")
    adapter = Adapter("a1", "style", 1, "a1.safetensors", "cd", 10, 0.5)
    with Store.open(run, create=True) as store:
        (run / adapter.path).write_bytes(b"weights")
        store.remember("config", "{}")
        store.add_seed(seed)
        store.begin_round(1, "style", 16)
        store.end_round(1, RoundOutcome(kept=2))
        store.add_adapter(adapter, seconds=2.0)
        frames = filled(store, jobs)
        store.add_measurements({"job-0": {"clip": Measurement(0.5)}}, {"clip": "v1"})
        store.set_verdicts([verdict(frames[1], VerdictKind.KEEP)], 1, 1)
        store.add_seconds("train", 1.0)
    with Store.open(run) as store:
        assert store.recall("config") == "{}"
        assert store.recall("nothing") is None
        assert store.seeds() == [seed]
        assert store.rounds() == [Round(1, "style", 16, RoundOutcome(kept=2))]
        assert store.adapters() == [adapter]
        assert store.jobs() == jobs
        assert store.frames() == frames
        assert store.measurements() == {"job-0": {"clip": Measurement(0.5)}}
        assert store.verdicts() == {"job-1": verdict(frames[1], VerdictKind.KEEP)}
        assert store.kept() == [frames[1]]
        assert store.timings() == {"train": 3.0}


def test_a_batch_is_stored_whole_or_not_at_all(store: Store, jobs: list[Job]) -> None:
    store.plan(jobs)
    received: list[Event] = []
    store.listen(received.append)
    doubled = [*painted(jobs[:2]), painted(jobs[:1])[0]]  # the second row for job-0 breaks the transaction
    with pytest.raises(StoreError):
        store.add_frames(doubled, adapter="", drawer="fake", seconds=3.0, event=BatchGenerated(1, 0, 3, 3.0))
    assert (store.frames(), store.events(), store.timings(), received) == ([], [], {}, [])
    assert store.missing_jobs(1, 1) == jobs

    frames = store.add_frames(painted(jobs[:2]), "", "fake")
    assert store.missing_jobs(1, 1) == jobs[2:]
    assert [store.frame_image(frame).getpixel((0, 0)) for frame in frames] == [(0, 10, 20), (1, 10, 20)]
    assert frames[0].digest == digest_of(store.frame_image(frames[0]))


def test_a_frame_that_is_there_stays(store: Store, jobs: list[Job]) -> None:
    first = filled(store, jobs[:1])[0]
    again = store.add_frames([(jobs[0], Image.new("RGB", (8, 6), "white"), "")], adapter="other", drawer="fake")
    assert again == [first]
    assert store.frame_image(first).getpixel((0, 0)) == (0, 10, 20)


KILLED = """
import os, signal, sys
from pathlib import Path
from PIL import Image
from bootstrap.store import files, store
from bootstrap.store.rows import job_from

jobs = [job_from(text) for text in sys.argv[3:]]
opened = store.Store.open(Path(sys.argv[1]), create=True)
opened.plan(jobs)
opened.add_frames([(jobs[0], Image.new("RGB", (8, 6)), "")], "", "fake")
place, calls = Path.replace, []
def dying(self, target):
    calls.append(target)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return place(self, target)
Path.replace = dying
opened.add_frames([(job, Image.new("RGB", (8, 6)), "") for job in jobs[1:]], "", "fake")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
@pytest.mark.parametrize(("dies_at", "missing"), [(1, 3), (2, 3), (9, 0)])
def test_a_killed_engine_leaves_a_run_that_opens(run: Path, jobs: list[Job], dies_at: int, missing: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(bootstrap.__file__).parents[1])}
    command = [sys.executable, "-c", KILLED, str(run), str(dies_at), *map(text_of, jobs)]
    done = subprocess.run(command, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    with Store.open(run) as store:
        assert store.missing_jobs(1) == jobs[4 - missing :]
        assert list(run.rglob("*.bootstrap-part")) == []
        store.add_frames(painted(store.missing_jobs(1)), "", "fake")
        assert [frame.job for frame in store.frames()] == jobs


def test_an_event_is_heard_after_its_row_is_on_disk(store: Store, run: Path) -> None:
    seen: list[int] = []

    def look(_: Event) -> None:
        other = sqlite3.connect(run / "run.db")
        seen.append(other.execute("SELECT count(*) FROM rounds JOIN events").fetchone()[0])
        other.close()

    store.listen(look)
    store.begin_round(1, "style", 4, RoundBegan(1, "style", 0, 4))
    store.begin_round(1, "style", 4, RoundBegan(1, "style", 0, 4))  # a resume: nothing new, no event
    assert seen == [1]
    assert store.events() == [RoundBegan(1, "style", 0, 4)]


def test_progress_is_told_but_not_stored(store: Store) -> None:
    received: list[Event] = []
    store.listen(received.append)
    store.append_event(Progress("training", 1, 2))
    store.append_event(Noted("a batch was halved"))
    assert received == [Progress("training", 1, 2), Noted("a batch was halved")]
    assert store.events() == [Noted("a batch was halved")]
    assert store.log()[0]["text"] == "a batch was halved"


def test_a_persons_verdict_is_never_overridden(store: Store, jobs: list[Job]) -> None:
    first, second = filled(store, jobs[:2])
    store.set_verdicts([verdict(first, VerdictKind.KEEP), verdict(second, VerdictKind.KEEP)], 1, 1)
    store.set_verdicts([verdict(first, VerdictKind.REJECT, "person")], 1, 1)
    store.set_verdicts([verdict(first, VerdictKind.PROVISIONAL), verdict(second, VerdictKind.UNDECIDED)], 1, 1)
    assert store.verdicts()["job-0"] == verdict(first, VerdictKind.REJECT, "person")
    assert store.verdicts()["job-1"] == verdict(second, VerdictKind.UNDECIDED)
    assert store.kept() == []
    kinds = [one.kind for one in store.verdict_history("job-0")]
    assert kinds == [VerdictKind.KEEP, VerdictKind.REJECT, VerdictKind.PROVISIONAL]


def test_a_repeated_verdict_is_not_history(store: Store, jobs: list[Job]) -> None:
    frame = filled(store, jobs[:1])[0]
    for _ in range(2):
        store.set_verdicts([verdict(frame, VerdictKind.KEEP)], 1, 1)
    assert len(store.verdict_history("job-0")) == 1


def test_measurements_expire_with_their_scorer(store: Store, jobs: list[Job]) -> None:
    filled(store, jobs[:3])
    measured = {id: {"clip": Measurement(0.1), "face": not_applicable("from behind")} for id in ("job-0", "job-1")}
    store.add_measurements(measured, {"clip": "v1", "face": "v1"})
    ids = ["job-2", "job-1", "job-0"]
    assert store.unmeasured(ids, {"clip": "v1", "face": "v1"}) == ["job-2"]
    assert store.unmeasured(ids, {"clip": "v2"}) == ids
    store.add_measurements({"job-1": {"clip": Measurement(0.9)}}, {"clip": "v2"})
    assert store.unmeasured(ids, {"clip": "v2"}) == ["job-2", "job-0"]
    assert store.measurements(["job-1"]) == {"job-1": {"clip": Measurement(0.9), "face": not_applicable("from behind")}}


def test_a_value_that_is_no_number_is_not_applicable(store: Store, jobs: list[Job]) -> None:
    filled(store, jobs[:1])
    store.add_measurements({"job-0": {"clip": Measurement(float("nan"))}}, {"clip": "v1"})
    assert store.measurements()["job-0"]["clip"] == not_applicable("the value is not finite (nan)")


def test_the_first_decision_stands(store: Store) -> None:
    assert store.decided(Deadline, until="07:00", night=1) is None
    first, second = Deadline("07:00", 1, "2026-01-02T07:00"), Deadline("07:00", 1, "2026-01-03T07:00")
    assert [store.decide(first), store.decide(second)] == [first, first]
    assert store.decided(Deadline, until="07:00", night=1) == first
    assert store.decide(Deadline("07:00", 2, second.at)).at == second.at
    assert [one.night for one in store.decisions(Deadline)] == [1, 2]
    assert store.decisions(WaveBudget) == []


DECISIONS = [
    ApprovalRequested(1, "2026-01-01T00:00:00+00:00", 7),
    ApprovalOpened(1),
    RoundApproved(1, "timed", 2, ("job-0", "job-1")),
    PersonBoundary(1, True, 7, 0),
    VerdictFit(2, 1, ("clip",), 0.1, (0.5,), (0.0,), 40, 9, 0.3, 0.5, 0.9, 0.7, True, 0.2, None, 0.1),
    BatchLimit("drawing", 16, 8),
    GradientCheckpointing(),
    VaeTiles(),
    FinalCandidates(3, (Adapter("final-r03", "character", 3, "a.safetensors", "cd", 10, 0.5),)),
    Deadline("07:30", 1, "2026-01-01T07:30:00+01:00"),
    RoundBudget("28800s", 2, None),
    WaveBudget("28800s", 2, 2, begun=False),
    WaveCut("28800s", 2, 1, lookalikes=True, undrawn=8),
    AcceptanceBudget("28800s", 4, drawn=True),
    Blend("final-r04@0.8+oil-1a2b3c@0.7", "final-r04", 0.8, ("/loras/oil.safetensors",), ("1a2b3c",), (0.7,)),
    Accepted("final-r04", "[1.0, 0.8]", 0.8, {"summary": "use it", "cells": [{"weight": 0.8}]}),
    MendingPlanned(4, "final-r04", {"behind/upper body": 3}),
    HandedOut(5, "final-r04"),
    ShowcaseBudget("28800s", 4, drawn=False),
    AuditSample(1, 30, {"job-1": VerdictKind.KEEP, "job-0": VerdictKind.UNDECIDED}),
    DrawerChosen(3, 2),
    LoraStartChosen("r01-style", 0.5, {"0": 0.25, "0.5": 0.5}),
    StrengthsChosen({"front": 0.8}, {"front": {"0.4": 0.2, "0.8": 0.5}}),
    SharesChosen(1, 2, {"front": {"klein": 0.8, "base": 0.2}}, {"front": {"klein": 0.4, "base": 0.02}}),
    InboxPicture("0a1b2c3d4e5f6a7b", "back.png", "", "its view cannot be read"),
    PictureRefused("candidate-r01w1-0a1b2c3d4e", "refused by the moderator: violence"),
    WeightHeld(2, 0.8, held=True),
    PairsChosen(1, 2, ("job-1",), ("job-2",), ("job-3",)),
    PairRead("job-3", "undecided", 35.0, -10.0, ("hair colour",), (), ""),
    EarlierDecision("weather", "rain"),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: type(decision).__name__)
def test_a_decision_is_read_back_as_it_was_taken(run: Path, decision: Decision) -> None:
    key = {name: getattr(decision, name) for name in decision.KEY}
    with Store.open(run, create=True) as store:
        assert store.decide(decision, Noted("decided")) == decision
    with Store.open(run) as store:
        assert store.decided(type(decision), **key) == decision
        assert store.decisions(type(decision)) == [decision]
        assert store.events() == [Noted("decided")]


def test_every_type_of_decision_has_an_example() -> None:
    assert {type(decision) for decision in DECISIONS} == set(get_args(Decision))


def test_a_jobs_references_and_a_frames_drawer_are_stored(store: Store, jobs: list[Job]) -> None:
    job = replace(jobs[0], references=(Reference("seeds/a.png", "ab", 0.6), Reference("frames/b.png", "cd")))
    store.plan([job])
    (frame,) = store.add_frames(painted([job]), "", "fake")
    assert store.jobs() == [job]
    assert (frame.job, frame.drawer) == (job, "fake")
    assert store.frame("job-0") == frame


def test_a_plan_is_stored_once_and_whole(store: Store, jobs: list[Job]) -> None:
    store.plan(jobs[:2])
    store.plan(jobs)
    assert store.jobs(round=1, wave=1, kind=JobKind.CANDIDATE) == jobs
    assert store.jobs(kind=JobKind.PROBE) == []
    with pytest.raises(StoreError, match="'job-0' was planned differently"):
        store.plan([replace(jobs[0], id="job-9"), replace(jobs[0], random_seed=99)])
    with pytest.raises(ValueError, match="cannot be a file name"):
        store.plan([replace(jobs[0], id="../out")])
    assert store.jobs() == jobs


def test_one_engine_at_a_time_and_a_person_beside_it(store: Store, run: Path, jobs: list[Job]) -> None:
    frame = filled(store, jobs[:1])[0]
    with pytest.raises(OutputError, match=rf"in use by the process '{os.getpid()}'"):
        Store.open(run)
    with Store.open(run, exclusive=False) as beside:
        beside.set_verdicts([verdict(frame, VerdictKind.KEEP, "person")], 1, 1)
    assert store.kept() == [frame]
    store.close()
    Store.open(run).close()


def test_no_run_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run in"):
        Store.open(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: _execute(path, "INSERT INTO facts (name, value) VALUES ('format', '99')"), "newer .*'99'"),
        (lambda path: (path.unlink(), _execute(path, "CREATE TABLE notes (text)")), "another program"),
        (lambda path: path.write_bytes(b"this is no database, " * 300), "damaged"),
    ],
)
def test_a_database_that_is_not_ours_is_refused(run: Path, spoil: object, message: str) -> None:
    Store.open(run, create=True).close()
    spoil(run / "run.db")  # type: ignore[operator]
    before = (run / "run.db").read_bytes()
    with pytest.raises(StoreError, match=message):
        Store.open(run)
    assert (run / "run.db").read_bytes() == before


def _execute(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()


def test_a_lost_picture_or_weight_is_named(store: Store, run: Path, jobs: list[Job]) -> None:
    frame = filled(store, jobs[:1])[0]
    (run / frame.path).write_bytes(b"no picture")
    with pytest.raises(StoreError, match=r"job-0\.png' cannot be read"):
        store.frame_image(frame)
    with pytest.raises(StoreError, match="are missing"):
        store.add_adapter(Adapter("a1", "style", 1, "a1.safetensors", "cd", 10, 0.5))
