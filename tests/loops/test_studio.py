"""A run by several workers, and several characters at once, on a local Ray cluster; whatever is killed."""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from bootstrap.config import load
from bootstrap.events import Incident
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.records import Job, JobKind, Shot, TrainItem
from bootstrap.runs.queue import Queue
from bootstrap.runs.run_models import open_base
from bootstrap.store.store import Store
from bootstrap.studio import characters, pooled_trainer
from bootstrap.studio.pool import pooling
from bootstrap.studio.workforce import LocalMember, RemoteMember
from tests.benchmarks.kills import ending

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A cluster of this test's own, for whatever joins one in this process."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="error")
        yield
        ray.shutdown()


@pytest.fixture(autouse=True)
def workers_alone(monkeypatch):
    """This process leaves the work to its workers, which would come too late for a tiny run."""
    monkeypatch.setattr(LocalMember, "idle", False)


def told(run):
    """What a run told of its workers."""
    with Store.open(run, exclusive=False) as store:
        return [event.text for event in store.events() if isinstance(event, Incident)]


def without_incidents(run):
    found = ending(run)
    found["events"] = [row for row in found["events"] if row["kind"] != "Incident"]
    return found


def test_three_workers_make_what_one_makes(grown, tiny, tmp_path, call):
    assert call("run", *tiny, "--out", str(tmp_path / "run"), "--workers", "3").code == 0
    assert ending(tmp_path / "run") == ending(grown)


def test_workers_that_are_killed_change_nothing(grown, tiny, tmp_path, call, monkeypatch):
    chance, start, killed = random.Random(0), RemoteMember.start, []

    def deadly(self, task):
        start(self, task)
        if chance.random() < 0.4 and len(killed) < 4:
            os.kill(self.process, signal.SIGKILL)
            killed.append(task.name)

    monkeypatch.setattr(RemoteMember, "start", deadly)
    assert call("run", *tiny, "--out", str(tmp_path / "run"), "--workers", "3").code == 0
    assert killed
    assert without_incidents(tmp_path / "run") == without_incidents(grown)
    assert all("a worker died at" in text for text in told(tmp_path / "run"))


@pytest.mark.skipif(sys.platform != "linux", reason="a process is tied to its parent on Linux only")
def test_characters_whose_workers_are_killed_go_on_elsewhere(grown, tiny, tmp_path, call, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs, killed = [tmp_path / name for name in ("one", "two", "three")], []

    def kill(seconds):
        time.sleep(0.05)
        for run in runs[:2]:
            lock = run / "run.lock"
            if run not in killed and lock.is_file() and (holder := lock.read_text().strip()):
                os.kill(parent_of(int(holder)), signal.SIGKILL)
                killed.append(run)

    monkeypatch.setattr(characters, "sleep", kill)
    for run in runs:
        assert call("queue", "add", *tiny, "--out", run.name).code == 0
    done = call("queue", "run", "--ray", "auto", "--at-once", "2")
    assert done.code == 0, done.err
    assert set(killed) == set(runs[:2])
    assert done.out.count("its worker died; another one goes on") == 2
    assert [entry.state for entry in Queue(tmp_path / "queue.db").entries()] == ["done"] * 3
    for run in runs:
        assert without_incidents(run)["kept"] == without_incidents(grown)["kept"]
        assert without_incidents(run)["tensors"] == without_incidents(grown)["tensors"]


def parent_of(process):
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def test_the_embedded_base_draws_and_trains_by_two_processes_as_by_one(tmp_path, monkeypatch):
    meetings, join = [], pooled_trainer.joined_processes
    monkeypatch.setattr(pooled_trainer, "joined_processes", lambda meeting: meetings.append(meeting) or join(meeting))
    config = load("puppet", overrides=["base.sampling.steps=2", "base.sampling.batch_size=2"])
    config = config.model_copy(update={"base": config.base.model_copy(update={"reference": None})})
    backend = open_base(config, tmp_path, fake_panel_models()).drawer
    told, shot = [], Shot("front", "front", "upper body", {}, 0)
    jobs = [Job(str(n), JobKind.CANDIDATE, 1, 1, shot, "1girl, red hair", "", n, {}) for n in range(4)]
    Image.new("RGB", (96, 96), "red").save(tmp_path / "red.png")
    items = [TrainItem(str(tmp_path / "red.png"), ("redchr", "1girl"), "seed")]
    recipe = config.base.recipes["character"].model_copy(
        update={"steps": 2, "batch_size": 1, "gradient_accumulation_steps": 2, "rank": 2, "ema_decay": None}
    )
    alone = [image.tobytes() for batch in backend.draw(jobs, None) for _, image in batch]
    (tmp_path / "alone").mkdir()
    (tmp_path / "together").mkdir()
    one = load_file(backend.train(items, recipe, tmp_path / "alone", lambda event: None).path)
    with pooling("auto", 2, train_together=True) as workers:
        pool = workers.pool(config, backend, backend, tmp_path, told.append)
        drawn = [image.tobytes() for batch in pool.drawer.draw(jobs, None) for _, image in batch]
        two = load_file(pool.trainer.train(items, recipe, tmp_path / "together", lambda event: None).path)
        pool.drawer.close()
    assert drawn == alone
    assert not told
    assert [meeting.count for meeting in meetings] == [2]
    assert one.keys() == two.keys()
    assert all(np.allclose(one[name], two[name], atol=1e-4) for name in one)
