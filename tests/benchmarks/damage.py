"""Damages of every kind to every class of file and every table of a run: does it go on, and is every loss named?

    OMP_NUM_THREADS=1 python tests/benchmarks/damage.py [--cases 500] [--random-seed 0] [--only CASE] [--keep FOLDER]
        [--log FILE]

A tiny run on the fake backend is killed in its second round, a person acts in it, and a copy is played to its end. For
every case a copy of one of the two is damaged (`tests/loops/damages.py`), then `status`, `verify` and the same `run`
command are called. Wrong are: a traceback; an exit code that is not 0, 1 with a log or 2 with a line; a run that cannot
go on; a set that is not as undisturbed while no line of `run` says so; a run with which `verify` is not content then.
Prints the result as JSON, with the lines that named a loss; exits 1 when anything was wrong. A case that finds nothing
of its class, such as the write-ahead log of a finished run, is not hit, and another one is played for it. --keep:
damaged copies of what failed. --log: every case is added to this file as a line of JSON; cases that it holds already
are not played again, so that a measurement which was cut off goes on.
"""

import argparse
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.loops.conftest import TINY, described
from tests.loops.damages import Damage, drawn, inflict, originals, try_one
from tests.unsynced import without_syncs


def play(folder, options):
    """The figures of all cases."""
    arguments = described(folder, TINY)
    origins, wanted = originals(folder, arguments)
    done = played(options.log)
    for number, damage in enumerate(wished(options), 1):
        if number not in done:
            done[number] = one(number, damage, origins, (folder, arguments, wanted), options)
        if sum(bool(case["hit"]) for case in done.values()) >= options.cases:
            break
    return figures(list(done.values()))


def wished(options):
    """The damages to play, more than there are cases: some hit nothing."""
    if options.only:
        state, where, what, how, seed = options.only.split(",")
        return [Damage(state, where, what, how, int(seed))]
    return itertools.islice(drawn(options.random_seed), 20 * options.cases)


def one(number, damage, origins, given, options):
    """What came of a damage, as plain data, added to the log."""
    folder, arguments, wanted = given
    start = time.monotonic()
    hit, wrong, named = try_one(origins[damage.state], folder / "case", damage, arguments, wanted)
    seconds = round(time.monotonic() - start, 1)
    case = {"number": number, "damage": str(damage), "hit": hit, "wrong": wrong, "named": named, "seconds": seconds}
    if wrong:
        sys.stderr.write(f"{number} {damage}\n  {hit}: {' | '.join(one.strip()[-150:] for one in wrong)}\n")
        keep(options.keep, origins[damage.state], number, damage, wrong)
    if options.log:
        with Path(options.log).open("a") as log:
            log.write(json.dumps(case) + "\n")
    return case


def played(log):
    """Number → case of the cases that a log holds."""
    if not log or not Path(log).is_file():
        return {}
    cases = [json.loads(line) for line in Path(log).read_text().splitlines()]
    return {case["number"]: case for case in cases}


def figures(cases):
    """Counts and lines of all cases."""
    wrong = [(case, text) for case in cases for text in case["wrong"]]
    return {
        "cases": sum(bool(case["hit"]) for case in cases),
        "not_hit": sum(not case["hit"] for case in cases),
        "seconds": round(sum(case["seconds"] for case in cases)),
        "wrong": Counter(text.split(":")[0] for _, text in wrong),
        "failures": [f"{case['damage']}: {case['hit']}: {text}" for case, text in wrong],
        "named": [f"{case['damage']}: {case['hit']}: {case['named']}" for case in cases if case["named"]],
    }


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
    parser.add_argument("--log", default="", help="a file of the cases played; those in it are not played again")
    given = parser.parse_args()
    without_syncs(setattr)
    with tempfile.TemporaryDirectory() as where:
        outcome = play(Path(where), given)
    print(json.dumps(outcome, indent=2))  # noqa: T201
    sys.exit(bool(outcome["failures"]))
