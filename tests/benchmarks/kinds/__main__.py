"""Kinds of subject: does a whole run draw a garment, a style, a place or a couple better than a LoRA on the seeds?

    python -m tests.benchmarks.kinds --kind outfit --subjects 4 --work runs/kinds
    python -m tests.benchmarks.kinds --kind couple --subjects 4 --work runs/kinds --part 1/2  # and 2/2 beside it
    python -m tests.benchmarks.kinds --quick --work /tmp/kinds   # checks the machinery, measures nothing

The same command continues an interrupted benchmark: a finished row is never made again. One row for each individual and
contestant, judged by what no run loads; <work>/<kind>/table.md is rewritten after every row.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.store.files import write_atomic
from tests.benchmarks.kinds.report import report
from tests.benchmarks.kinds.settings import CONTESTANTS, COUPLE, FULL, KINDS, QUICK, SUBJECTS, TITLES, KindSettings
from tests.benchmarks.puppetbench import rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the contestants, and write the results."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        part, parts = _part(given.part)
        numbers = SUBJECTS[: given.subjects][part - 1 :: parts]
        for kind in given.kind or KINDS:
            if not given.report:
                play(kind, numbers, given.contestants, QUICK if given.quick else FULL, given.work, given.judge_again)
            sys.stdout.write(publish(kind, given.work))
    except BootstrapError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command continues")


def play(
    kind: str,
    numbers: Sequence[int],
    names: Sequence[str] | None,
    settings: KindSettings,
    work: Path,
    again: bool = False,
) -> None:
    """Every contestant on every individual of a kind; with ``again`` their stored pictures are only judged anew."""
    if kind == COUPLE:
        from tests.benchmarks.kinds import couples

        for number in numbers:
            for _ in couples.play(number, work, settings, names):
                publish(kind, work)
        return
    from tests.benchmarks.kinds import contest
    from tests.benchmarks.kinds.stage import KindStage

    for number in numbers:
        stage = KindStage(kind, number, work / kind / "subjects" / str(number), settings)
        try:
            for name in names or CONTESTANTS:
                contest.compete(stage, name, work) if not again else contest.judge_again(stage, name, work)
                publish(kind, work)
        finally:
            stage.close()


def publish(kind: str, work: Path) -> str:
    """Write table.md of the finished rows of a kind; returns it."""
    found = rows.read_all(work / kind, tuple(TITLES))
    if not found:
        raise UsageError(f"there is no row of the kind {kind} in '{work}'", "run the benchmark into that folder first")
    text = report(kind, found)
    write_atomic(work / kind / "table.md", text.encode())
    return text


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts)):
        raise UsageError(f'--part "{text}" is no part', 'write it as "1/2"')
    return int(part), int(parts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.kinds", description=__doc__.split("\n")[0])
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=None, help="which kinds (default: all)")
    parser.add_argument("--subjects", type=int, default=4, choices=range(1, len(SUBJECTS) + 1), metavar="N")
    parser.add_argument("--contestants", nargs="+", choices=list(TITLES), default=None)
    parser.add_argument("--part", default="1/1", help="k/n: only every n-th individual, for n processes side by side")
    parser.add_argument("--work", type=Path, default=Path("runs") / "kinds", help="folder of rows, runs and results")
    parser.add_argument("--quick", action="store_true", help="reduced counts")
    parser.add_argument("--judge-again", action="store_true", help="judge the stored pictures of single kinds anew")
    parser.add_argument("--report", action="store_true", help="only write the tables of the rows there are")
    return parser


if __name__ == "__main__":
    main()
