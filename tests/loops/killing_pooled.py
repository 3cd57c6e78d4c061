"""Plays one run by a pool in forked children that are killed one after another: a script, for `test_studio_kills.py`.

    python killing_pooled.py ADDRESS KIND,KIND… run ARGUMENTS… --out RUN

A child of kind "run" works on the cluster at ADDRESS and kills itself, one of kind "raylet" kills the raylet of a
cluster of its own, each at a seeded moment; a last child is left alone. Prints as JSON how each child ended, and which
batches a later one handed out that were stored before. One process imports everything once.
"""

import contextlib
import importlib
import json
import os
import random
import signal
import sys
import warnings
from pathlib import Path

import loops.run  # noqa: F401  (imported before the forks)
from bootstrap.panel.color_models import fake_panel_models  # noqa: F401
from bootstrap.store.store import DATABASE, Store
from bootstrap.studio.workforce import LocalMember, RemoteMember
from loops import measure
from tests.benchmarks.kills import status_of
from tests.benchmarks.studio import below
from tests.unsynced import without_syncs

MEASURED = 8
"""Pictures that are measured at once, so that members have several chunks to share."""
LATEST = 8
"""A child is killed when it hands out one of its first so many tasks."""


def play(words, kind, moment, asked):
    """How a child ends that hands out ``moment`` tasks before its victim dies; the names of tasks go to ``asked``."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if kind == "raylet":
            end(asked.with_suffix(".processes").read_text().split())
        return status
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    start, handed_out = RemoteMember.start, []

    def deadly(self, task):
        handed_out.append(task.name)
        asked.write_text("\n".join(handed_out))
        start(self, task)
        if len(handed_out) == moment:
            kill(kind, asked.with_suffix(".processes"))

    RemoteMember.start, LocalMember.idle = deadly, False
    os._exit(status_of(words))


def kill(kind, processes):
    """End this process, or the raylet of its cluster; the numbers of that cluster's processes are noted before."""
    victim, found = os.getpid(), below(os.getpid())
    if kind == "raylet":
        processes.write_text(" ".join(map(str, found)))
        victim = next(number for number, line in found.items() if "raylet/raylet" in line)
    os.kill(victim, signal.SIGKILL)


def end(numbers):
    """End what is left of a cluster whose raylet was killed."""
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGKILL)


def stored(run):
    """The ids of all pictures that a run has stored."""
    if not (run / DATABASE).is_file():
        return set()
    with Store.open(run, exclusive=False) as store:
        return {frame.job.id for frame in store.frames()}


def chain(address, kinds, words):
    """How each child ended, and what was drawn again that was not lost."""
    run, chance, before = Path(words[-1]), random.Random(0), set()
    statuses, again = [], []
    for number, kind in enumerate([*kinds, "nobody"]):
        asked = run.parent / f"asked{number}"
        asked.write_text("")
        place = "local" if kind == "raylet" else address
        moment = 0 if kind == "nobody" else chance.randint(2, LATEST)
        statuses.append(play([*words, "--ray", place], kind, moment, asked))
        first_ids = {name.rsplit(" ")[-1] for name in asked.read_text().splitlines() if name.startswith("a batch")}
        again += sorted(first_ids & before)
        before = stored(run)
    return {"statuses": statuses, "again": again, "stored": len(before)}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for name in ("ray", "torch"):  # before the forks
        importlib.import_module(name)
    without_syncs(setattr)
    measure.AT_ONCE = MEASURED
    place, kinds_of_kills, *arguments = sys.argv[1:]
    sys.stdout.write(json.dumps(chain(place, kinds_of_kills.split(","), arguments)))
