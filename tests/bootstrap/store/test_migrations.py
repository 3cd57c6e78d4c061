"""A run that an earlier version left behind opens with the present one, and a step that fails changes nothing."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bootstrap.errors import StoreError
from bootstrap.events import ApprovalGiven, BatchGenerated, FramesJudged, RoundBegan, WavePlanned
from bootstrap.records import Adapter, JobKind, RoundOutcome, VerdictKind
from bootstrap.runs.status import status
from bootstrap.store import schema
from bootstrap.store.decisions import (
    ApprovalOpened,
    ApprovalRequested,
    AuditSample,
    BatchLimit,
    Deadline,
    EarlierDecision,
    FinalCandidates,
    GradientCheckpointing,
    PersonBoundary,
    RoundApproved,
    RoundBudget,
    VerdictFit,
    WaveBudget,
    WaveCut,
)
from bootstrap.store.store import Store
from scoring.measurement import Measurement, not_applicable

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
        assert store.decided(EarlierDecision, name="deadline").value == "07:00"
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


OLD_DECISIONS = {
    "gate-closed-r01": '{"at": "2026-01-01T00:00:00+00:00", "spoken": 7}',
    "gate-open-r01": "person",
    "gate-r01": '{"by": "timed", "judged": 2, "unseen": ["a", "b"]}',
    "heard-1": '{"verdict": 7, "caption": 0}',
    "heard-1-again": '{"verdict": 9, "caption": 1}',
    "lesson-r02w1": json.dumps({
        "scorers": ["clip"], "bias": 0.1, "weights": [0.5], "silent": [0.0], "verdicts": 40, "rejected": 9, "loss": 0.3,
        "rule_loss": 0.5, "auc": 0.9, "rule_auc": 0.7, "used": True, "rate": 0.2, "least": None, "wrong": 0.1,
    }),
    "pictures at once, not 16": "8",
    "training pictures at once, not 4": "2",
    "gradient_checkpointing": "on",
    "final-r03": '[{"id": "final-r03", "phase": "character", "round": 3, "path": "a.safetensors", "sha256": "cd",'
                 ' "steps": 10, "final_loss": 0.5}]',
    "until 07:30, night 2": "2026-01-01T07:30:00+01:00",
    "28800s 2026-01-01T07:30+01:00: round 2": "character",
    "28800s 2026-01-01T07:30+01:00: round 3": "no",
    "28800s 2026-01-01T07:30+01:00: round 2, wave 2": "yes",
    "28800s 2026-01-01T07:30+01:00: round 2, wave 1, lookalike": "8",
    "28800s 2026-01-01T07:30+01:00: round 2, wave 1, candidate": "4",
    "audit-r01": '{"population": 30, "gate": {"b": "keep", "a": "undecided"}}',
    "audit-r02": "torn",
}  # fmt: skip
HOURS = "28800s 2026-01-01T07:30+01:00"
TYPED_DECISIONS = [
    ApprovalRequested(1, "2026-01-01T00:00:00+00:00", 7),
    ApprovalOpened(1),
    RoundApproved(1, "timed", 2, ("a", "b")),
    PersonBoundary(1, False, 7, 0),
    PersonBoundary(1, True, 9, 1),
    VerdictFit(2, 1, ("clip",), 0.1, (0.5,), (0.0,), 40, 9, 0.3, 0.5, 0.9, 0.7, True, 0.2, None, 0.1),
    BatchLimit("drawing", 16, 8),
    BatchLimit("training", 4, 2),
    GradientCheckpointing(),
    FinalCandidates(3, (Adapter("final-r03", "character", 3, "a.safetensors", "cd", 10, 0.5),)),
    Deadline("07:30", 2, "2026-01-01T07:30:00+01:00"),
    RoundBudget(HOURS, 2, "character"),
    RoundBudget(HOURS, 3, None),
    WaveBudget(HOURS, 2, 2, begun=True),
    WaveCut(HOURS, 2, 1, lookalikes=True, undrawn=8),
    WaveCut(HOURS, 2, 1, lookalikes=False, undrawn=4),
    AuditSample(1, 30, {"b": VerdictKind.KEEP, "a": VerdictKind.UNDECIDED}),
    EarlierDecision("audit-r02", "torn"),
]


@pytest.mark.parametrize("earlier", EARLIER[:2], indirect=True, ids=lambda path: path.stem)
def test_decisions_under_names_become_typed_records_that_a_resume_follows(earlier):
    with closing(sqlite3.connect(earlier / "run.db")) as db, db:
        db.executemany("INSERT INTO decisions (name, value) VALUES (?, ?)", OLD_DECISIONS.items())
    with Store.open(earlier) as store:
        for decision in TYPED_DECISIONS:
            key = {name: getattr(decision, name) for name in decision.KEY}
            assert store.decided(type(decision), **key) == decision
        kinds = set(map(type, TYPED_DECISIONS))
        found = [decision for kind in kinds for decision in store.decisions(kind)]
    assert len(found) == len(TYPED_DECISIONS) + 1, "and the one that the example holds"


@pytest.mark.parametrize("earlier", EARLIER[:2], indirect=True, ids=lambda path: path.stem)
def test_records_under_earlier_names_are_read_under_those_of_today(earlier):
    with closing(sqlite3.connect(earlier / "run.db")) as db, db:
        panel = "replace(replace(record, '\"candidate\"', '\"panel\"'), 'candidate-', 'preview-')"
        db.execute(
            "INSERT INTO jobs (id, round, wave, kind, record)"
            f" SELECT 'preview-r01w1-abc', round, wave, 'panel', {panel} FROM jobs"
        )
        own = "replace(replace(record, '\"round\":1', '\"round\":0'), 'r01w1', 'r00w0')"
        db.execute(
            "INSERT INTO jobs (id, round, wave, kind, record)"
            f" SELECT 'candidate-r00w0-abc', 0, 0, kind, {own} FROM jobs WHERE kind = 'candidate'"
        )
        db.execute("INSERT INTO frames (id, path, digest, adapter) VALUES ('candidate-r00w0-abc', 'own.png', 'ee', '')")
        db.execute("UPDATE facts SET value = '{\"backend\": \"fake\"}' WHERE name = 'config'")
        db.execute("INSERT INTO facts (name, value) VALUES ('gate', 'human'), ('worked', '12.5')")
        passed = '{"round": 1, "by": "auto", "judged": 0, "unseen": 1}'
        db.execute("INSERT INTO events (at, kind, record) VALUES ('', 'GatePassed', ?)", (passed,))
    with Store.open(earlier) as store:
        (probe,) = store.jobs(kind=JobKind.PROBE)
        assert (probe.id, probe.kind) == ("preview-r01w1-abc", JobKind.PROBE)
        axes = ["expression", "pose", "outfit", "background", "style"]
        assert list(probe.shot.axes) == axes, "in the order of the key, from which random seeds are derived"
        assert probe.shot.key == "behind|behind|portrait|smile|sitting|default|park|cel shading|1"
        assert store.seeds()[0].view_family == "front"
        assert {frame.path: frame.drawer for frame in store.frames()}.pop("own.png") == "person"
        assert {frame.drawer for frame in store.frames(round=1)} == {"fake"}
        assert (store.recall("approval"), store.recall("seconds_worked")) == ("human", "12.5")
        assert store.events()[-1] == ApprovalGiven(1, "auto", 0, 1)


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
