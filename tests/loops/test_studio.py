"""A run by several workers, and several characters at once, on a local Ray cluster; whatever is killed."""

import contextlib
import io
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from bootstrap.cli import main
from bootstrap.config import load
from bootstrap.errors import ConfigError
from bootstrap.events import Incident
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.records import Job, JobKind, Reference, Shot, TrainItem
from bootstrap.runs.queue import Queue
from bootstrap.runs.queue_work import Ended
from bootstrap.runs.run_models import open_base
from bootstrap.store.files import sha256_of
from bootstrap.store.store import Store
from bootstrap.studio import characters, pooled_trainer, team
from bootstrap.studio import cluster as studio_cluster
from bootstrap.studio.character_process import TIED, run_here
from bootstrap.studio.cluster import joined
from bootstrap.studio.cluster import unreachable as told_of
from bootstrap.studio.pool import pooling
from bootstrap.studio.worker import Same, Worker
from bootstrap.studio.workforce import LocalMember, RemoteMember
from loops import measure
from tests.benchmarks.kills import ending
from tests.benchmarks.studio import without_incidents
from tests.loops.conftest import TINY, described
from tests.loops.embedded_run import arguments, made
from tests.loops.killing_pooled import MEASURED

ray = pytest.importorskip("ray")
Machines = pytest.importorskip("ray.cluster_utils").Cluster


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A cluster of this test's own, to which machines may be added, for whatever joins one in this process."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_AUTH_MODE"] = "disabled"  # whatever token this machine has
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        machines = Machines(initialize_head=True, head_node_args={"num_cpus": 3, "include_dashboard": False})
        ray.init(address=machines.address, log_to_driver=False, logging_level="error")
        yield machines
        ray.shutdown()
        machines.shutdown()


@pytest.fixture(autouse=True)
def workers_alone(monkeypatch):
    """This process leaves the work to its workers, which would come too late for a tiny run."""
    monkeypatch.setattr(LocalMember, "idle", False)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The arguments of a run of many small batches, without --out, and the folder of one that no worker helped with."""
    folder = tmp_path_factory.mktemp("small")
    words = described(folder, [*TINY, "base.sampling.batch_size=2"])
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr(measure, "AT_ONCE", MEASURED)
        with pytest.raises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            main(["run", *words, "--out", str(folder / "run")])
    return words, folder / "run"


def told(run):
    """What a run told of its workers."""
    with Store.open(run, exclusive=False) as store:
        return [event.text for event in store.events() if isinstance(event, Incident)]


def test_three_workers_make_what_one_makes(grown, tiny, tmp_path, call):
    assert call("run", *tiny, "--out", str(tmp_path / "run"), "--workers", "3").code == 0
    assert ending(tmp_path / "run") == ending(grown)


def test_twelve_workers_that_are_killed_change_nothing_and_only_what_they_had_is_done_again(
    small, tmp_path, call, monkeypatch
):
    words, alone = small
    monkeypatch.setattr(measure, "AT_ONCE", MEASURED)
    chance, start, asked, killed = random.Random(0), RemoteMember.start, [], set()
    monkeypatch.setattr(team, "SLOW", math.inf)  # nothing is given to a second worker because it takes long

    def deadly(self, task):
        start(self, task)
        asked.append(task)
        if len(killed) < 12 and task not in killed and chance.random() < 0.4:
            killed.add(task)
            with contextlib.suppress(ProcessLookupError):  # it died meanwhile
                os.kill(self.process, signal.SIGKILL)

    monkeypatch.setattr(RemoteMember, "start", deadly)
    assert call("run", *words, "--out", str(tmp_path / "run"), "--workers", "3").code == 0
    assert len(killed) == 12
    assert without_incidents(tmp_path / "run") == without_incidents(alone)
    lost = Counter(
        re.fullmatch("a worker died at (.*); another one does it", text)[1] for text in told(tmp_path / "run")
    )
    assert lost.total() == 12
    assert Counter(task.name for task in asked) - Counter(task.name for task in set(asked)) == lost


def dies_once(words, folder, run):
    """What a worker does for a character: the first time it dies as soon as the run has begun."""
    import subprocess

    died, lock = Path(f"{run}.died"), Path(run, "run.lock")
    if died.exists():
        return run_here(words, folder, run)
    died.touch()
    command = [sys.executable, "-m", TIED, str(os.getpid()), "run", *words]
    with subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}):
        while not (lock.is_file() and lock.read_text()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="a process is tied to its parent on Linux only")
def test_characters_whose_workers_die_go_on_elsewhere(grown, tiny, tmp_path, call, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(characters, "run_here", dies_once)
    runs = [tmp_path / name for name in ("one", "two", "three")]
    for run in runs:
        assert call("queue", "add", *tiny, "--out", run.name).code == 0
    done = call("queue", "run", "--ray", "auto", "--at-once", "2")
    assert done.code == 0, done.out + done.err
    assert done.out.count("its worker died; another one goes on") == 3
    assert [entry.state for entry in Queue(tmp_path / "queue.db").entries()] == ["done"] * 3
    for run in runs:
        assert without_incidents(run)["kept"] == without_incidents(grown)["kept"]
        assert without_incidents(run)["tensors"] == without_incidents(grown)["tensors"]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_the_process_of_a_run_and_its_raylet_are_killed_and_the_same_command_goes_on(small, cluster, tmp_path):
    arguments, alone = small
    kinds, run = ["run", "raylet", "run", "raylet", "run"], tmp_path / "run"
    words = [cluster.address, ",".join(kinds), "run", *arguments, "--workers", "3", "--out", str(run)]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("killing_pooled.py"), *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(done.stdout)
    assert [code == -signal.SIGKILL for code in found["statuses"]] == [kind == "run" for kind in [*kinds, "nobody"]]
    assert found["statuses"][-1] == 0
    assert found["again"] == []
    assert without_incidents(run) == without_incidents(alone)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_run_of_the_embedded_base_by_a_pool_of_two_ends_as_by_one(tmp_path, call):
    """With a LoRA that draws the round and a finished one: a worker must not take one for the other."""
    fewer = ["--set", "loop.rounds=1", "--set", "loop.goals=[]", "--set", "loop.acceptance.weights=[]"]
    for name, workers in (("alone", []), ("by two", ["--workers", "2"])):
        done = call("run", *arguments(), *fewer, "--out", str(tmp_path / name), *workers)
        assert done.code == 0, done.err
    assert made(tmp_path / "by two") == made(tmp_path / "alone")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_embedded_base_draws_and_trains_by_two_processes_as_by_one(tmp_path, monkeypatch):
    meetings, join = [], pooled_trainer.joined_processes
    monkeypatch.setattr(pooled_trainer, "joined_processes", lambda meeting: meetings.append(meeting) or join(meeting))
    config = load("puppet", overrides=["base.sampling.steps=2", "base.sampling.batch_size=2"])
    backend = open_base(config, tmp_path, fake_panel_models()).drawer
    told, shot = [], Shot("front", "front", "upper body", {}, 0)
    jobs = [Job(str(n), JobKind.CANDIDATE, 1, 1, shot, "1girl, red hair", "", n, {}) for n in range(4)]
    Image.new("RGB", (96, 96), "red").save(tmp_path / "red.png")
    shown = Reference("red.png", sha256_of(tmp_path / "red.png"))
    drawn = replace(jobs[0], references=(shown,))
    items = [TrainItem(str(tmp_path / "red.png"), ("redchr", "1girl"), "kept", job=drawn)]
    beside = config.base.recipes["style"].model_copy(update={"steps": 1, "batch_size": 1, "rank": 2})
    lora = backend.train([replace(items[0], beside=(shown,))], beside, tmp_path / "drew", lambda event: None).path
    items.append(replace(items[0], drawn_with=str(lora)))
    update = {"steps": 2, "batch_size": 1, "gradient_accumulation_steps": 2, "rank": 2, "reference_distillation": 1.0}
    recipe = config.base.recipes["character"].model_copy(update=update)
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


def test_a_worker_with_another_kind_of_device_or_base_is_refused(tmp_path):
    config = load("puppet")
    for same, line in ((Same("other", "cpu"), "another one than the run's"), (Same("", "cuda"), 'computes on "cpu"')):
        failure = Worker(config, same).draw([], None, [])
        assert line in failure.message


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--train-together"], "one worker has nobody to train together with"),
        (["--workers", "2", "--ray", "127.0.0.1:1"], 'there is no Ray cluster at "127.0.0.1:1"'),
    ],
)
def test_what_no_pool_can_be_made_of_is_one_line(words, line, tiny, tmp_path, call, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", unreachable)
    done = call("run", *tiny, "--out", str(tmp_path / "run"), *words)
    assert done.code == 2
    assert line in done.line


def unreachable(address, **options):
    raise ConnectionError(f"nobody answers at {address}")


def test_an_address_is_shown_the_token_of_this_machine(tmp_path, monkeypatch):
    (tmp_path / "auth_token").write_text("secret")
    monkeypatch.setattr(studio_cluster, "TOKEN", tmp_path / "auth_token")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", unreachable)
    for address, line, mode in (
        ("local", "no Ray cluster could be started here", None),
        ("10.0.0.1:6379", r"copy its ~/\.ray/auth_token", "token"),
    ):
        monkeypatch.setenv("RAY_AUTH_MODE", "")
        monkeypatch.delenv("RAY_AUTH_MODE")
        with pytest.raises(ConfigError, match=line), joined(address):
            pass
        assert os.environ.get("RAY_AUTH_MODE") == mode


def other_versions(address, **options):
    raise RuntimeError("Version mismatch: The cluster was started with: Ray: 2.9")


def test_other_versions_and_a_missing_package_are_one_line(monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with monkeypatch.context() as patch:
        patch.setattr(ray, "init", other_versions)
        for address in ("auto", "10.0.0.1:6379"):
            with pytest.raises(ConfigError, match=r"other versions: .*Ray: 2\.9"), joined(address):
                pass
    told = RuntimeError(
        "Version mismatch: The cluster was started with: Ray: 2.9 This process was started with: Ray: 2.60"
    )
    with pytest.raises(ConfigError, match=r"other versions: .*Ray: 2\.9 .*; install the same"):
        raise told_of("10.0.0.1:6379", told)
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ConfigError, match=r"Ray, which is not installed; pip install 'lora-bootstrap\[studio\]'"),
        joined("auto"),
    ):
        pass


def waits(words, folder, run):
    """What a worker does for a character: it says on which machine it is, and waits for the file "go"."""
    with Path(f"{run}.machines").open("a") as file:
        file.write(f"{ray.get_runtime_context().get_node_id()} {os.getpid()}\n")
    while not Path(folder, "go").is_file():
        time.sleep(0.05)
    return Ended(0)


def test_a_machine_that_joins_gets_work_and_one_that_is_removed_loses_only_what_it_had(
    cluster, tiny, tmp_path, call, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(characters, "run_here", waits)
    names, joined_later = [f"run{number}" for number in range(5)], []
    for name in names:
        assert call("queue", "add", *tiny, "--out", name).code == 0

    def begun():
        return [file.read_text().splitlines() for file in tmp_path.glob("*.machines")]

    def turn(seconds):
        at_work = dict(line.split() for lines in begun() for line in lines)
        if not joined_later:
            joined_later.append(cluster.add_node(num_cpus=1))
        elif joined_later[0].node_id in at_work and not Path("go").exists():
            cluster.remove_node(joined_later[0], allow_graceful=False)
            os.kill(int(at_work[joined_later[0].node_id]), signal.SIGKILL)
            Path("go").touch()
        time.sleep(0.05)

    monkeypatch.setattr(characters, "sleep", turn)
    done = call("queue", "run", "--ray", "auto")
    assert done.out.count("its machine is gone; another one goes on") == 1
    assert [entry.state for entry in Queue(tmp_path / "queue.db").entries()] == ["done"] * 5
    assert sorted(map(len, begun())) == [1, 1, 1, 1, 2]
