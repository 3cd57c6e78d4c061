"""The present stage of a run, worked out from what its store lacks."""

from __future__ import annotations

from PIL import Image

from bootstrap.events import BatchGenerated, RunEnded
from bootstrap.records import Job, JobKind, Shot
from bootstrap.runs.standing import standing
from bootstrap.store.store import Store
from scoring.measurement import Measurement

SHOT = Shot(
    "front",
    "front",
    "portrait",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "park", "style": "cel"},
)
JOBS = [Job(f"c{n}", JobKind.CANDIDATE, 3, 1, SHOT, "1girl", "", n, {}) for n in range(4)]
RED = Image.new("RGB", (8, 8), "red")


def stage_of(store: Store) -> tuple[str, int, int]:
    now = standing(store)
    assert now.round == 3
    return now.stage, now.done, now.total


def test_the_stage_of_a_round_follows_from_what_is_missing(store: Store) -> None:
    store.begin_round(3, "style", 40)
    assert stage_of(store) == ("training", 0, 0)
    store.plan(JOBS)
    assert stage_of(store) == ("drawing", 0, 4)
    assert standing(store).left is None
    store.add_frames([(job, RED, "") for job in JOBS[:2]], "", "fake", 6.0, BatchGenerated(3, 0, 2, 6.0))
    assert stage_of(store) == ("drawing", 2, 4)
    assert standing(store).left == 6.0
    store.add_frames([(job, RED, "") for job in JOBS[2:]], "", "fake")
    assert stage_of(store) == ("measuring", 0, 4)
    store.add_measurements({job.id: {"clip": Measurement(1.0)} for job in JOBS}, {"clip": "v1"})
    assert stage_of(store) == ("choosing", 0, 0)


def test_probe_pictures_are_drawn_and_never_measured(store: Store) -> None:
    store.plan([Job("p", JobKind.PROBE, 3, 1, SHOT, "1girl", "", 1, {})])
    assert stage_of(store) == ("drawing", 0, 1)
    store.add_frames([(store.jobs(3)[0], RED, "")], "", "fake")
    assert stage_of(store) == ("choosing", 0, 0)


def test_a_finished_run(store: Store) -> None:
    store.append_event(RunEnded(12, 12, "a2", "report.html"))
    assert (standing(store).stage, standing(store).round) == ("finished", 2)
