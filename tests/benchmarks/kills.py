"""SIGKILL at random instants, again and again, on the fake backend: is the end that of an undisturbed run?

    python tests/benchmarks/kills.py [--kills 200] [--seed 0] [--a-run 6]

One process imports everything once and forks: a child plays `bootstrap run`, and is killed after a random time. After
every kill each row, picture and LoRA is hashed anew (`bootstrap verify`). A run is killed --a-run times, then left to
finish and compared with one that nobody disturbed: pixels, verdicts, kept set, tensors, captions, events (dates and
durations excepted). Prints what it found as JSON; exits 1 when anything differed.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from safetensors.numpy import load_file

import loops.run  # noqa: F401  (imported before the forks)
from bootstrap.backends.fake_eyes import fake_eyes  # noqa: F401
from bootstrap.cli import main
from bootstrap.errors import BootstrapError
from bootstrap.sessions import sessions
from bootstrap.store.store import DATABASE, Store
from bootstrap.upkeep import check_files

SETTINGS = {
    "loop.target": 6, "loop.style_goals": "[3]", "loop.lookalikes": 12, "loop.exchanged": 6, "loop.most_decoys": 24,
    "loop.max_false_accepts": 0.4, "loop.rounds": 4, "base.style.steps": 10, "base.character.steps": 10,
    "base.sampling.width": 32, "base.sampling.height": 32, "base.sampling.batch_size": 4,
}  # fmt: skip
TIMES = ("at", "seconds")


def given(folder):
    """Seed, character file and the arguments of the run."""
    Image.new("RGB", (64, 64), (215, 60, 40)).save(folder / "seed.png")
    about = {"name": "Red", "trigger": "redchr", "base": "puppet", "invariant": {"hair": "red hair"}}
    about["seeds"] = [{"file": "seed.png", "view": "front", "framing": "upper body"}]
    (folder / "character.json").write_text(json.dumps(about))
    options = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    return ["run", str(folder / "seed.png"), str(folder / "character.json"), "--backend", "fake", *options]


def begin(arguments):
    """A child that plays the command in silence; its process id."""
    child = os.fork()
    if child:
        return child
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    code = 1
    try:
        main(arguments)
    except SystemExit as ended:
        code = ended.code or 0
    os._exit(code)


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ending(run):
    """What must be the same however often it was killed."""
    with Store.open(run, exclusive=False) as store:
        log = [{name: value for name, value in row.items() if name not in TIMES} for row in store.log()]
        return {
            "pixels": [(frame.job.id, frame.digest, frame.adapter) for frame in store.frames()],
            "verdicts": sorted(map(str, store.verdicts().values())),
            "kept": [frame.job.id for frame in store.kept()],
            "tensors": {one.id: tensors(run / one.path) for one in store.adapters()},
            "captions": sorted((path.name, path.read_text()) for path in run.glob("dataset/*/*.txt")),
            "events": log,
        }


def tensors(path):
    """One digest of every tensor in a file; its metadata hold dates."""
    found = hashlib.sha256()
    for name, tensor in sorted(load_file(path).items()):
        found.update(name.encode() + tensor.tobytes())
    return found.hexdigest()


def damage(run):
    """What is not as it was stored right after a kill; nothing is there yet before the database is."""
    if not (run / DATABASE).is_file():
        return []
    try:
        with Store.open(run, exclusive=False) as store:
            return check_files(store)
    except BootstrapError as error:
        return [str(error)]


def disturb(arguments, run, kills, longest, chance):
    """Kill the run so many times, each after a random time; the kills that met it at work, and the damage they did."""
    met, found = 0, []
    for _ in range(kills):
        child = begin([*arguments, "--out", str(run)])
        time.sleep(chance.uniform(0, longest))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        met += ended(child) == -signal.SIGKILL
        found += damage(run)
    return met, found


def play(folder, options):
    """The figures of the whole benchmark."""
    arguments, chance = given(folder), random.Random(options.seed)
    began = time.monotonic()
    if code := ended(begin([*arguments, "--out", str(folder / "whole")])):
        raise SystemExit(f"the undisturbed run ended with {code}")
    longest, whole = time.monotonic() - began, ending(folder / "whole")
    figures = {"kills": 0, "runs": 0, "same": 0, "differ": [], "damage": [], "seconds_undisturbed": round(longest, 2)}
    while figures["kills"] < options.kills:
        run = folder / f"run{figures['runs']:03d}"
        # each start loads what is there, so that a kill later in the span meets what the last one left
        met, found = disturb(arguments, run, options.a_run, longest / 2, chance)
        code = ended(begin([*arguments, "--out", str(run)]))
        ends = ending(run) if code == 0 else {}
        differ = [name for name, value in ends.items() if value != whole[name]] if ends else [f"exit {code}"]
        with Store.open(run, exclusive=False) as store:
            cut_off = sum(not one.ended for one in sessions(store))
        figures["kills"] += met
        figures["runs"] += 1
        figures["same"] += not differ
        figures["cut_off_as_remembered"] = figures.get("cut_off_as_remembered", 0) + cut_off
        figures["differ"] += [f"{run.name}: {name}" for name in differ]
        figures["damage"] += [f"{run.name}: {said}" for said in found]
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--a-run", type=int, default=6)
    with tempfile.TemporaryDirectory() as where:
        outcome = play(Path(where), parser.parse_args())
    print(json.dumps(outcome, indent=2))  # noqa: T201
    sys.exit(bool(outcome["differ"] or outcome["damage"]))
