"""PuppetBench: does the loop work, by a judge that the loop never uses?

    python -m tests.benchmarks.puppetbench --quick                  # checks the machinery, measures nothing
    python -m tests.benchmarks.puppetbench --characters 5 --contestants base seeds ours ceiling
    python -m tests.benchmarks.puppetbench --characters 4 --part 1/2  # and 2/2 beside it, into the same folder

The same command continues an interrupted benchmark: a finished row is never made again. Table, plot and sheet of
pictures are in the work folder and are rewritten after every row.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.store.files import write_atomic, write_image
from tests.benchmarks.puppetbench import rows, unnamed
from tests.benchmarks.puppetbench.pictures import plot, sheet
from tests.benchmarks.puppetbench.report import report
from tests.benchmarks.puppetbench.settings import (
    CHARACTERS,
    FULL,
    QUICK,
    QUICK_CONTESTANTS,
    SEED_VIEWS,
    TITLES,
    Settings,
)

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the contestants, and write the results."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        characters, names, settings, work = _understood(given)
        if not given.report:
            play(characters, names, settings, work)
        sys.stdout.write(publish(work, tuple(TITLES)))
    except BootstrapError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command continues")


def play(characters: Sequence[int], names: Sequence[str], settings: Settings, work: Path) -> None:
    """Run every contestant on every character."""
    from tests.benchmarks.puppetbench.contest import compete
    from tests.benchmarks.puppetbench.stage import Stage

    for seed in characters:
        stage = Stage(seed, work / "characters" / str(seed), settings)
        try:
            for name in names:
                compete(stage, name, work)
                publish(work, tuple(TITLES))
        finally:
            stage.close()


def publish(work: Path, names: Sequence[str]) -> str:
    """Write table.md, plot.png and sheet.png of the finished rows; returns the table."""
    found = rows.read_all(work, names)
    if not found:
        raise UsageError(f"there is no row in '{work}'", "run the benchmark into that folder first")
    there = [name for name in names if any(row["contestant"] == name for row in found)]
    table = report(found, there)
    if traits := unnamed.read_all(work, there):
        table += "\n" + unnamed.markdown_of(traits, there)
    write_atomic(work / "table.md", table.encode())
    write_image(work / "plot.png", plot(found, there))
    write_image(work / "sheet.png", sheet(work, found, there))
    return table


def _understood(given: argparse.Namespace) -> tuple[list[int], list[str], Settings, Path]:
    """Characters, contestants, settings and work folder. Raises UsageError."""
    part, parts = _part(given.part)
    count = 1 if given.quick else given.characters
    if not 1 <= count <= len(CHARACTERS):
        raise UsageError(f'--characters "{count}" is not possible', f"give 1 to {len(CHARACTERS)}")
    names = given.contestants or list(QUICK_CONTESTANTS if given.quick else TITLES)
    settings, name = FULL, "puppetbench"
    if given.quick:
        settings, name = QUICK, "puppetbench-quick"
    if given.seeds > 1:
        name += f"-{given.seeds}-seeds"
    settings = replace(settings.given(tuple(given.set)), seeds=given.seeds)
    work = given.work or Path("runs") / name
    return list(CHARACTERS[:count][part - 1 :: parts]), names, settings, work


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts)):
        raise UsageError(f'--part "{text}" is no part', 'write it as "1/2"')
    return int(part), int(parts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.puppetbench", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one character, three contestants, reduced counts")
    parser.add_argument("--characters", type=int, default=4, help="how many of the twenty puppets")
    parser.add_argument("--contestants", nargs="+", choices=list(TITLES), default=None)
    parser.add_argument("--part", default="1/1", help="k/n: only every n-th character, for n processes side by side")
    parser.add_argument(
        "--seeds", type=int, choices=range(1, len(SEED_VIEWS) + 1), default=1, help="seed pictures each"
    )
    parser.add_argument("--work", type=Path, default=None, help="folder of rows, runs and results")
    parser.add_argument("--set", action="append", default=[], help="a setting of the run, a.b=c, for every contestant")
    parser.add_argument("--report", action="store_true", help="only write table, plot and sheet of the rows there are")
    return parser


if __name__ == "__main__":
    main()
