"""One setting at a time: `python -m tests.benchmarks.puppetbench.vary --set loop.seeds_share=0.5 --characters 4`.

The contestant runs as it is and with the settings, on the same characters, panels and cuts; the result is paired
differences with a bootstrap over characters. Each side is an ordinary folder of the benchmark: `as-is` (or any finished
one given by --base) and one named after the settings, so its rows are kept and never made again.

    --what ours         a whole run (the default)
    --what crops        our first round alone: seed, crops and copies (or seeds, named: the seed alone)
    --what ceiling      45 drawings: what the training settings can achieve on perfect data
    --what retrain      the final training repeated, on the kept pictures of the base's finished runs
"""

from __future__ import annotations

import argparse
import logging
import math
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.store.files import make_folder, write_atomic
from bootstrap.store.store import DATABASE
from tests.benchmarks.puppetbench import rows
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.measures import ASKED
from tests.benchmarks.puppetbench.rows import Row
from tests.benchmarks.puppetbench.settings import CHARACTERS, FULL, QUICK, Settings
from tests.benchmarks.puppetbench.shares import Interval, difference, mean

log = logging.getLogger(__name__)

WHAT = ("ours", "seeds", "named", "crops", "ceiling", "retrain")
AS_IS, SOURCE = "as-is", "source"
RETRAIN = "retrain"
SHARED = ("character.json", "front.png", "panel.json", "cuts.json")
"""Files that both sides must have in common: the seed, the test, and the judge's cuts."""
Value = Callable[[Row], float]


def _obeyed(row: Row, axes: Sequence[str]) -> float:
    counts = [row["obeyed"][axis] for axis in axes if axis in row["obeyed"]]
    shown = sum(count for _, count in counts)
    return sum(right for right, _ in counts) / shown if shown else float("nan")


def _identity_in(view_family: str) -> Value:
    return lambda row: float(row["families"][view_family]["identity"])


MEASURES: Mapping[str, Value] = {
    **{f"identity, {view_family}": _identity_in(view_family) for view_family in ALL_VIEW_FAMILIES},
    "identity, all": lambda row: row["all"]["identity"],
    "same person": lambda row: row["all"]["same"],
    "what is asked": lambda row: _obeyed(row, ASKED),
    "style obeyed": lambda row: _obeyed(row, ["style"]),
    "Vendi score": lambda row: row["all"]["diversity"],
    "copies of a seed": lambda row: row["all"]["copies"],
    "seed's background leaks": lambda row: row["bleed"][0] / max(1, row["bleed"][1]),
    "false among kept": lambda row: _gate(row, lambda one: (one["kept"] - one["kept_true"], one["kept"])),
    "true among candidates": lambda row: _gate(row, lambda one: (one["true"], one["candidates"])),
    "kept": lambda row: float(row["facts"].get("kept", float("nan"))),
    "evaluations, thousands": lambda row: (row["drawn"] + row["trained"]) / 1000,
    "seconds": lambda row: row["seconds"],
}


def _gate(row: Row, counted: Callable[[Mapping[str, int]], tuple[int, int]]) -> float:
    counts = [counted(one) for one in row.get("gate", {}).values()]
    whole = sum(count for _, count in counts)
    return sum(part for part, _ in counts) / whole if whole else float("nan")


def play(
    what: str, characters: Sequence[int], sides: Mapping[Path, Settings], truth: Callable[[], object] | None = None
) -> None:
    """Run the contestant on every character, on each side; ``sides`` are work folders, the base first.

    ``truth`` replaces the judge in tests.
    """
    base = next(iter(sides))
    for seed in characters:
        for work, settings in sides.items():
            if rows.read(work, seed, what):
                continue
            share_test(base, work, seed)
            _run(what, seed, base, work, settings, truth)


def _run(what: str, seed: int, base: Path, work: Path, settings: Settings, truth: Callable[[], object] | None) -> None:
    from tests.benchmarks.puppetbench.contest import compete
    from tests.benchmarks.puppetbench.contestants import CONTESTANTS
    from tests.benchmarks.puppetbench.retraining import retrained
    from tests.benchmarks.puppetbench.stage import Stage

    stage = Stage(seed, work / "characters" / str(seed), settings)
    if truth:
        stage.truth = truth()
    try:
        if what == RETRAIN:
            _source(base, stage.folder, seed)
        compete(stage, what, work, {**CONTESTANTS, RETRAIN: retrained}[what])
    finally:
        stage.close()


def share_test(base: Path, work: Path, number: int) -> None:
    """Copy the test of the base to a side, once."""
    source, target = (side / "characters" / str(number) for side in (base, work))
    for name in SHARED:
        if (source / name).is_file() and not (target / name).is_file():
            make_folder(target)
            write_atomic(target / name, (source / name).read_bytes())


def _source(base: Path, folder: Path, seed: int) -> None:
    """A copy of the base's finished run without its weights. Raises UsageError when it is not finished."""
    run = base / "characters" / str(seed) / "ours"
    if not rows.read(base, seed, "ours") or not (run / DATABASE).is_file():
        raise UsageError(f"'{run}' is no finished run", f"first: vary --what ours --base {base}")
    if not (folder / SOURCE / DATABASE).is_file():
        shutil.rmtree(folder / SOURCE, ignore_errors=True)
        shutil.copytree(run, folder / "half", ignore=shutil.ignore_patterns("adapters", "features", "lora", "dataset"),
                        dirs_exist_ok=True)  # fmt: skip
        (folder / "half").rename(folder / SOURCE)


def markdown_of(what: str, title: str, base: Sequence[Row], varied: Sequence[Row]) -> str:
    """Differences paired by character, a line for each measure. Raises UsageError when no character has both sides."""
    pairs = [(one, other) for one in base for other in varied if one["character"] == other["character"]]
    if not pairs:
        raise UsageError("no character has a row on both sides", "run both first")
    lines = []
    for name, value in MEASURES.items():
        before, after = ([float(value(pair[side])) for pair in pairs] for side in (0, 1))
        if not all(map(math.isnan, (*before, *after))):
            apart = _difference(before, after)
            sure = apart is not None and (apart.low > 0 or apart.high < 0)
            lines.append([name, _mean(before), _mean(after), str(apart or "–"), "yes" if sure else ""])
    names = ", ".join(one["name"] for one, _ in pairs)
    head = ["measure", "as it is", "with the setting", "difference [95 %]", "interval without 0"]
    return f"## {what}: {title}\n\n{names}.\n\n{table('Paired over characters', head, lines)}\n"


def _difference(before: Sequence[float], after: Sequence[float]) -> Interval | None:
    """The paired difference over the characters of which both values are known; None without any."""
    pairs = [pair for pair in zip(before, after, strict=True) if not math.isnan(sum(pair))]
    if not pairs:
        return None
    return difference([new for _, new in pairs], [old for old, _ in pairs])


def _mean(values: Sequence[float]) -> str:
    known = [value for value in values if not math.isnan(value)]
    return f"{mean(known).value:.3f}" if known else "–"


def slug(settings: Sequence[str]) -> str:
    """A folder's name for settings."""
    return re.sub(r"[^A-Za-z0-9.=+-]+", "_", "+".join(sorted(settings)))[:120].strip("_")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run both sides, and write what differs."""
    raw = argparse.RawDescriptionHelpFormatter
    prog = "python -m tests.benchmarks.puppetbench.vary"
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, formatter_class=raw)
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="A.B=C", help="what is tried")
    parser.add_argument("--always", nargs="+", default=[], metavar="A.B=C", help="settings of both sides")
    parser.add_argument("--what", choices=WHAT, default="ours")
    parser.add_argument("--characters", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="reduced counts: checks the machinery")
    parser.add_argument("--base", type=Path, default=None, help="a folder of the benchmark to stand as it is")
    parser.add_argument("--work", type=Path, default=Path("runs/puppetbench-vary"))
    parser.add_argument("--report", action="store_true", help="only write the table of the rows there are")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        sys.stdout.write(_both(given))
    except BootstrapError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command continues")


def _both(given: argparse.Namespace) -> str:
    if not given.set:
        raise UsageError("nothing is varied", "give --set a.b=c")
    if not 1 <= given.characters <= len(CHARACTERS):
        raise UsageError(f'--characters "{given.characters}" is not possible', f"give 1 to {len(CHARACTERS)}")
    plain = (QUICK if given.quick else FULL).given(tuple(given.always))
    base, varied = given.base or given.work / AS_IS, given.work / slug(given.set)
    if not given.report:
        play(given.what, CHARACTERS[: given.characters], {base: plain, varied: plain.given(tuple(given.set))})
    found = [rows.read_all(work, [given.what]) for work in (base, varied)]
    text = markdown_of(given.what, " ".join(given.set), *found)
    write_atomic(varied / f"{given.what}.md", text.encode())
    return text


if __name__ == "__main__":
    main()
