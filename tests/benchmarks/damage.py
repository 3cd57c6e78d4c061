"""Damages of every kind to every class of file and every table of a run: does it go on, and is every loss named?

    OMP_NUM_THREADS=1 python tests/benchmarks/damage.py [--cases 500] [--random-seed 0] [--only CASE] [--keep FOLDER]

A tiny run on the fake backend is killed in its second round, a person acts in it, and a copy is played to its end. For
every case a copy of one of the two is damaged (`tests/loops/damages.py`), then `status`, `verify` and the same `run`
command are called. Wrong are: a traceback; an exit code that is not 0, 1 with a log or 2 with a line; a run that cannot
go on; a set that is not as undisturbed while no line of `run` says so; a run with which `verify` is not content then.
Prints the result as JSON, with the lines that named a loss; exits 1 when anything was wrong. A case that finds nothing
of its class, such as the write-ahead log of a finished run, is not hit. --keep: damaged copies of what failed.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.loops.conftest import TINY, described
from tests.loops.damages import Damage, drawn, inflict, originals, try_one


def play(folder, options):
    """The figures of all cases."""
    arguments = described(folder, TINY)
    origins, wanted = originals(folder, arguments)
    figures = {"cases": 0, "not_hit": 0, "wrong": Counter(), "failures": [], "named": []}
    damages = drawn(options.cases, options.random_seed)
    if options.only:
        state, where, what, how, seed = options.only.split(",")
        damages = [Damage(state, where, what, how, int(seed))]
    for number, damage in enumerate(damages, 1):
        hit, wrong, named = try_one(origins[damage.state], folder / "case", damage, arguments, wanted)
        figures["cases"] += bool(hit)
        figures["not_hit"] += not hit
        if named:
            figures["named"].append(f"{damage}: {hit}: {named}")
        for one in wrong:
            figures["wrong"][one.split(":")[0]] += 1
            figures["failures"].append(f"{damage}: {hit}: {one}")
        if wrong:
            sys.stderr.write(f"{number} {damage}\n  {hit}: {' | '.join(one.strip()[-150:] for one in wrong)}\n")
            keep(options.keep, origins[damage.state], number, damage, wrong)
    return figures


def keep(place, origin, number, damage, wrong):
    """A fresh copy with the same damage, and what went wrong beside it."""
    if place:
        copy = Path(place) / f"case{number:03d}"
        shutil.copytree(origin, copy, dirs_exist_ok=True)
        inflict(copy, damage)
        (copy.with_suffix(".txt")).write_text("\n".join([str(damage), *wrong]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--only", default="", help="one case, such as unfinished,file,frame,delete,1")
    parser.add_argument("--keep", default="", help="a folder for damaged copies of the cases that failed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as where:
        outcome = play(Path(where), given)
    print(json.dumps(outcome, indent=2))  # noqa: T201
    sys.exit(bool(outcome["failures"]))
