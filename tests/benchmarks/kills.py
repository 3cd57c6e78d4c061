"""SIGKILL at random instants, again and again: is the result that of an undisturbed run?

    OMP_NUM_THREADS=1 python tests/benchmarks/kills.py [--kills 180] [--embedded 20] [--random-seed 0] [--a-run 6]

Most kills hit the fake backend, --embedded of them the base of this package with tiny settings. One process imports
everything once and forks: a child executes `bootstrap run` and is killed after a random part of its work. After every
kill each row, picture and LoRA is hashed (`bootstrap verify`). A run is killed --a-run times, then left to finish and
compared with an undisturbed one: pixels, verdicts, kept set, tensors, captions, events (dates and durations excepted).
In every third run a person judges frames between the kills: there each of their verdicts must be in force at the end.
Prints the result as JSON; exits 1 when anything differed.
"""

import argparse
import contextlib
import hashlib
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from safetensors.numpy import load_file

import loops.run  # noqa: F401  (imported before the forks)
from bootstrap.cli import main
from bootstrap.errors import BootstrapError
from bootstrap.panel.color_models import fake_panel_models  # noqa: F401
from bootstrap.records import JobKind
from bootstrap.review.person_verdicts import CHOICES, judge
from bootstrap.runs.sessions import sessions
from bootstrap.runs.upkeep import check_files
from bootstrap.store.store import DATABASE, PERSON, Store

SETTINGS = {
    "fake": {
        "loop.target": 6, "loop.goals": "[3]", "loop.lookalikes": 12, "loop.exchanged": 6, "loop.most_decoys": 24,
        "loop.gate_level": 0.4, "loop.rounds": 4, "base.recipes.style.steps": 10, "base.recipes.character.steps": 10,
        "base.sampling.width": 32, "base.sampling.height": 32, "base.sampling.batch_size": 4,
    },
    "embedded": {
        "loop.target": 3, "loop.goals": "[2]", "loop.lookalikes": 4, "loop.exchanged": 0, "loop.most_decoys": 6,
        "loop.gate_level": 0.4, "loop.rounds": 2, "loop.waves": 1, "loop.final_candidates": 2,
        "base.minimum_steps": 4, "base.recipes.style.steps": 4, "base.recipes.character.steps": 6,
        "base.sampling.steps": 3, "base.sampling.batch_size": 4,
    },
}  # fmt: skip
LATEST = 0.95
"""A process is killed within this part of the work of an undisturbed run: each start continues the run, so that a late
kill hits work that an earlier kill interrupted."""
TIMES = ("at", "seconds")


def command(folder, backend):
    """The arguments of the run; its seed and character file are written into ``folder``."""
    ruby = Path(__file__).parents[2] / "configs" / "characters" / "ruby"
    files = [str(ruby / "seed.png"), str(ruby / "character.json"), "--base", "puppet"]
    if backend == "fake":
        Image.new("RGB", (64, 64), (215, 60, 40)).save(folder / "seed.png")
        about = {"name": "Red", "trigger": "redchr", "base": "puppet", "invariant": {"hair": "red hair"}}
        about["seeds"] = [{"file": "seed.png", "view": "front", "framing": "upper body"}]
        (folder / "character.json").write_text(json.dumps(about))
        files = [str(folder / "seed.png"), str(folder / "character.json"), "--backend", "fake"]
    options = [word for name, value in SETTINGS[backend].items() for word in ("--set", f"{name}={value}")]
    return ["run", *files, *options]


def begin(arguments):
    """Start a child that executes the command in silence; its process id."""
    child = os.fork()
    if child:
        return child
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os._exit(status_of(arguments))


def status_of(arguments):
    """The exit status of a command in this process; 1 where it does not exit."""
    try:
        main(arguments)
    except SystemExit as ended:
        return ended.code or 0
    return 1


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def worked(child):
    """Seconds of processor time of a child so far; infinite once it has ended."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        spent = float(Path(f"/proc/{child}/schedstat").read_text().split()[0]) / 1e9
        return spent if fields[0] != "Z" else math.inf
    return math.inf


def ending(run):
    """Everything that must be the same however often a run was killed."""
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
    """What differs from its stored hash right after a kill; nothing while there is no database yet."""
    if not (run / DATABASE).is_file():
        return []
    try:
        with Store.open(run, exclusive=False) as store:
            return check_files(store)
    except BootstrapError as error:
        return [str(error)]


def disturb(arguments, run, kills, longest, chance):
    """Kill the run ``kills`` times, each after a random part of its work; the instants of effective kills, and damage.

    Instants are seconds of processor time, so that a busy machine is disturbed at the same points.
    """
    instants, found = [], []
    for _ in range(kills):
        child, instant = begin([*arguments, "--out", str(run)]), chance.uniform(0, longest)
        while worked(child) < instant:
            time.sleep(0.001)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        if ended(child) == -signal.SIGKILL:
            instants.append(round(instant, 2))
        found += damage(run)
    return instants, found


def judge_some(run, chance):
    """A person keeps and rejects a few frames of a run that was just killed: frame id → choice."""
    choices = {}
    if not (run / DATABASE).is_file():
        return choices
    with Store.open(run, exclusive=False) as store:
        frames = store.frames(kind=JobKind.CANDIDATE)
        for frame in chance.sample(frames, min(2, len(frames))):
            choices[frame.job.id] = chance.choice(list(CHOICES))
        for id, choice in choices.items():
            judge(store, store.frame(id), CHOICES[choice])
    return choices


def lost(run, choices):
    """The verdicts of a person that are not in force any more."""
    with Store.open(run, exclusive=False) as store:
        in_force = store.verdicts()
    missing = []
    for id, choice in choices.items():
        if (in_force[id].kind, in_force[id].by) != (CHOICES[choice], PERSON):
            missing.append(f"verdict on {id} lost")
    return missing


def differences(run, code, whole, choices):
    """What differs from the undisturbed run; where a person judged, the result may differ, and their verdicts count."""
    if code:
        return [f"exit {code}"]
    if choices:
        return lost(run, choices)
    return [name for name, value in ending(run).items() if value != whole[name]]


def play(folder, backend, kills, options):
    """The figures of one backend."""
    arguments, chance = command(folder, backend), random.Random(f"{backend} {options.random_seed}")
    child = begin([*arguments, "--out", str(folder / "whole")])
    _, status, used = os.wait4(child, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"the undisturbed run ended with {code}")
    longest, whole = used.ru_utime + used.ru_stime, ending(folder / "whole")
    figures = {"kills": 0, "runs": 0, "same": 0, "judged": 0, "differ": [], "damage": [], "cut_off_as_remembered": 0}
    figures |= {"work_undisturbed": round(longest, 2), "instants": []}
    while figures["kills"] < kills:
        run, judged = folder / f"run{figures['runs']:03d}", options.judged and figures["runs"] % options.judged == 0
        instants, found = disturb(arguments, run, options.a_run, longest * LATEST, chance)
        choices, instants_too, found_too = {}, [], []
        if judged:
            choices = judge_some(run, chance)
        if choices:
            instants_too, found_too = disturb(arguments, run, 2, longest * LATEST, chance)
        code = ended(begin([*arguments, "--out", str(run)]))
        differ = differences(run, code, whole, choices)
        with Store.open(run, exclusive=False) as store:
            figures["cut_off_as_remembered"] += sum(not one.ended for one in sessions(store))
        figures["instants"] += [*instants, *instants_too]
        figures["kills"] += len(instants) + len(instants_too)
        figures["runs"] += 1
        figures["judged"] += len(choices)
        figures["same"] += not differ
        figures["differ"] += [f"{run.name}: {name}" for name in differ]
        figures["damage"] += [f"{run.name}: {one}" for one in [*found, *found_too]]
        if not differ and not found and not found_too:
            shutil.rmtree(run)
        sys.stderr.write(f"{backend}: {figures['kills']} kills, {figures['same']} of {figures['runs']} runs the same\n")
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=180, help="on the fake backend")
    parser.add_argument("--embedded", type=int, default=20, help="on the embedded base")
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--a-run", type=int, default=6)
    parser.add_argument("--judged", type=int, default=3, help="a person judges in every n-th run; 0: never")
    given, outcome = parser.parse_args(), {}
    for kind, count in (("fake", given.kills), ("embedded", given.embedded)):
        with tempfile.TemporaryDirectory() as where:
            outcome[kind] = play(Path(where), kind, count, given) if count else {}
    print(json.dumps(outcome, indent=2))  # noqa: T201
    sys.exit(any(figures.get("differ") or figures.get("damage") for figures in outcome.values()))
