"""A run by several workers on Ray: does it survive kills, how much quicker is it, and what does Ray cost?

    OMP_NUM_THREADS=1 python -m tests.benchmarks.studio kills [--kills 20] [--random-seed 0]
    OMP_NUM_THREADS=1 python -m tests.benchmarks.studio speed
    OMP_NUM_THREADS=1 python -m tests.benchmarks.studio queue

`kills`: a run on the fake backend by three processes; at random moments a worker, the process of the run or the raylet
of its cluster gets SIGKILL; the same command goes on until the run is finished, then every result is compared with that
of one process. `speed`: the embedded base, the same batches by one worker and by two. `queue`: a queue of four runs of
a minute of the embedded base with and without Ray, one at a time. Prints JSON; exits 1 where results differ.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bootstrap.config import load
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.records import Job, JobKind, Shot
from bootstrap.runs.queue import Queue
from bootstrap.runs.run_models import open_base
from bootstrap.store.store import DATABASE
from bootstrap.studio.pool import pooling
from tests.benchmarks.kills import command, ending

POOL = ["--workers", "3", "--ray", "local"]
KINDS = ("worker", "run", "raylet")
BATCHES = 4
QUEUED = 4
MINUTE = ["--set", "base.sampling.steps=10"]
"""So that a run takes about a minute of one core."""
WARM = 20.0
"""Seconds in which a worker begins, loads the base and the panel, and draws its first batch."""


def begun(words, folder):
    code = "import sys; from bootstrap.cli import main; main(sys.argv[1:])"
    place = {"cwd": Path(__file__).parents[2], "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-c", code, *words, "--out", str(folder)], start_new_session=True, **place)


def below(process):
    """Every process below one: number → its command line."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found, layer = {}, [process]
    while layer:
        layer = [number for number, parent in parents.items() if parent in layer]
        for number in layer:
            try:
                found[number] = Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
    return found


def victim(process, kind):
    """The process of that kind in the cluster of a run; None where there is none yet."""
    if kind == "run":
        return process.pid
    wanted = "ray::Worker" if kind == "worker" else "raylet/raylet"
    numbers = [number for number, line in below(process.pid).items() if wanted in line]
    return random.choice(numbers) if numbers else None


def without_incidents(run):
    found = ending(run)
    found["events"] = [row for row in found["events"] if row["kind"] != "Incident"]
    return found


def clean(process):
    """End what a killed run left of its cluster."""
    for number in below(process.pid):
        os.kill(number, signal.SIGKILL)
    process.wait()


def kills(count, seed):
    random.seed(seed)
    done, differing, runs = {kind: 0 for kind in KINDS}, [], 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words = command(folder, "fake")
        begun(words, folder / "alone").wait()
        expected = without_incidents(folder / "alone")
        while sum(done.values()) < count:
            runs += 1
            run = folder / f"run{runs}"
            process = begun([*words, *POOL], run)
            planned = random.randint(1, 4)
            while process.poll() is None and planned:
                time.sleep(random.uniform(0.5, 6.0))
                kind = random.choice(KINDS)
                number = victim(process, kind)
                if number is None or process.poll() is not None or not (run / DATABASE).is_file():
                    continue
                left = [*below(process.pid)]
                os.kill(number, signal.SIGKILL)
                done[kind], planned = done[kind] + 1, planned - 1
                if kind != "worker":
                    time.sleep(2)
                    for one in left:
                        if Path(f"/proc/{one}").exists():
                            os.kill(one, signal.SIGKILL)
                    process.kill()
                    process.wait()
                    process = begun([*words, *POOL], run)
            if process.wait():
                process = begun([*words, *POOL], run)
                if process.wait():
                    differing.append(f"run {runs} does not end")
                    continue
            found = without_incidents(run)
            differing += [f"run {runs}: {name}" for name in expected if found[name] != expected[name]]
    return {"kills": done, "runs": runs, "differing": differing}


def speed():
    """Seconds of the same batches by this process alone, by one worker and by two."""
    config = load("puppet")
    config = config.model_copy(update={"base": config.base.model_copy(update={"reference": None})})
    shot = Shot("front", "front", "upper body", {}, 0)
    count = BATCHES * config.base.sampling.batch_size
    jobs = [Job(str(n), JobKind.CANDIDATE, 1, 1, shot, "1girl, red hair", "", n, {}) for n in range(count)]
    found = {}
    with tempfile.TemporaryDirectory() as place:
        backend = open_base(config, Path(place), fake_panel_models()).drawer
        for workers in (1, 2):
            with pooling("local", 2) as cluster:
                pool = cluster.pool(config, backend, backend, Path(place), print)
                drawer = pool.drawer if workers == 2 else backend
                began = time.monotonic()
                while workers > 1 and time.monotonic() - began < WARM:  # until the worker has loaded its models
                    list(pool.drawer.draw(jobs[: 3 * config.base.sampling.batch_size], None))
                began = time.monotonic()
                list(drawer.draw(jobs, None))
                found.setdefault(f"{workers} at once", []).append(round(time.monotonic() - began, 2))
                pool.drawer.close = lambda: None
    best = {name: min(seconds) for name, seconds in found.items()}
    return {"seconds": found, "ratio": round(best["1 at once"] / best["2 at once"], 2)}


def queue():
    """Seconds of a queue of four runs of about a minute with and without Ray, one at a time."""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for name, words in (("alone", []), ("on Ray", ["--ray", "local", "--at-once", "1"])):
            folder = Path(place) / name
            folder.mkdir()
            file = folder / "queue.db"
            for number in range(QUEUED):
                run = folder / f"run{number}"
                run_words = [*command(folder, "embedded")[1:], *MINUTE]
                Queue(file).add(run, f"Ruby {number}", Path.cwd(), [*run_words, "--out", str(run)])
            began = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-m", "bootstrap", "queue", "run", "--file", str(file), *words],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            found[name] = round(time.monotonic() - began, 2)
            assert done.returncode == 0
    return {"seconds": found, "overhead": round(found["on Ray"] / found["alone"] - 1, 3)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("kills", "speed", "queue"))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--random-seed", type=int, default=0)
    given = parser.parse_args()
    result = kills(given.kills, given.random_seed) if given.what == "kills" else globals()[given.what]()
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    sys.exit(1 if result.get("differing") else 0)
