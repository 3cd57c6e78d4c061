"""Drift over forced rounds: `python -m tests.benchmarks.puppetbench.drift --character 1 --rounds 8`.

Compares our loop with a set that each round replaces by its top-k: identity by the judge, spread (Vendi score) and
saturation of the same panel after every round, and the round in which the stopping rule would stop. A finished round is
a row; the same command continues an interrupted experiment. Table and plot are rewritten after every row.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.store.files import write_atomic, write_image
from tests.benchmarks.puppetbench import rows
from tests.benchmarks.puppetbench.contest import measured
from tests.benchmarks.puppetbench.curves import Curve, chart
from tests.benchmarks.puppetbench.drifting import Ours, Replaced, Way, plans, stop_reason
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.measures import saturation
from tests.benchmarks.puppetbench.panels import panel_path, write_panel
from tests.benchmarks.puppetbench.rows import Row
from tests.benchmarks.puppetbench.settings import CHARACTERS, FULL, QUICK, Settings
from tests.benchmarks.puppetbench.stage import Stage

log = logging.getLogger(__name__)

WAYS = {"ours": "ours", "topk": "replaced by the top-k"}
COLORS = {"ours": "#d1495b", "topk": "#5b8fd6"}
MEASURES: Mapping[str, Callable[[Row], float]] = {
    "identity": lambda row: float(row["all"]["identity"]),
    "spread (Vendi score)": lambda row: float(row["all"]["diversity"]),
    "saturation": lambda row: float(row["saturation"]),
}


def play(stage: Stage, ways: Sequence[str], rounds: int, work: Path) -> None:
    """Play every round of every way that has no row yet."""
    rows.require_key(work, stage.key)
    stage.prepare()
    plan = plans(stage.config.loop, rounds)
    for name in ways:
        way: Way = Ours(stage) if name == "ours" else Replaced(stage, stage.settings.peer_pictures // rounds)
        outcomes = []
        for one in plan:
            began = time.monotonic()
            played = way.play(one.number, one.phase, one.goal)
            outcomes.append(played.outcome)
            contestant = f"{name}-r{one.number:02d}"
            if rows.read(work, stage.number, contestant):
                continue
            images = stage.draw(stage.panel, played.adapter, played.phase if played.adapter else "base")
            write_panel(panel_path(work, stage.number, contestant), images)
            row = {
                "key": stage.key,
                "character": stage.number,
                "name": stage.character.name,
                "contestant": contestant,
                "way": name,
                "round": one.number,
                "phase": played.phase,
                "goal": one.goal,
                "kept": played.kept,
                "seconds": round(time.monotonic() - began, 1),
                "saturation": round(saturation(images), 4),
                "true_saturation": round(saturation(stage.painted), 4),
                "held_out": played.outcome.held_out,
                "stops": stop_reason(outcomes, plan),
                **measured(stage, images),
            }
            rows.write(work, row)
            publish(work)
            log.info("%s %s: identity %.3f %s", row["name"], contestant, row["all"]["identity"], row["stops"])


def publish(work: Path) -> str:
    """Write drift.md and drift.png of the rows that are there; the table. Raises UsageError without any."""
    found = rows.read_folder(work)
    if not found:
        raise UsageError(f"there is no row in '{work}'", "run the experiment into that folder first")
    text = markdown_of(found)
    write_atomic(work / "drift.md", text.encode())
    panels = {name: [curve_of(found, way, value) for way in WAYS] for name, value in MEASURES.items()}
    write_image(work / "drift.png", chart(panels, "round", "A ring: the stopping rule would have stopped here"))
    return text


def markdown_of(found: Sequence[Row]) -> str:
    """The rows as a table: one line for each way and round, means over characters."""
    lines = []
    for way, title in WAYS.items():
        for number in sorted({row["round"] for row in found if row["way"] == way}):
            own = [row for row in found if (row["way"], row["round"]) == (way, number)]
            values = [f"{_mean(own, value):.3f}" for value in MEASURES.values()]
            stops = [f"{row['name']}: {row['stops']}" for row in own if row["stops"]]
            kept = f"{_mean(own, lambda row: float(row['kept'])):.0f}"
            lines.append([title, str(number), own[0]["phase"], kept, *values, "; ".join(stops) or "–", str(len(own))])
    head = ["way", "round", "phase", "kept", *MEASURES, "the stopping rule", "characters"]
    true = _mean(found, lambda row: float(row["true_saturation"]))
    names = ", ".join(dict.fromkeys(row["name"] for row in found))
    return (
        f"## Drift over forced rounds\n\n{names}. Saturation of the truth: {true:.3f}.\n\n"
        f"{table('After each round', head, lines)}\n\n{_stopped(found)}\n"
    )


def _stopped(found: Sequence[Row]) -> str:
    """When the rule would stop, and what that is worth: the best round, the round of the stop, the last."""
    lines = []
    for way, title in WAYS.items():
        for character in dict.fromkeys(row["character"] for row in found if row["way"] == way):
            own = [row for row in found if (row["way"], row["character"]) == (way, character)]
            own.sort(key=lambda row: row["round"])
            best = max(own, key=MEASURES["identity"])
            stop = next((row for row in own if row["stops"]), None)
            at = f"{stop['round']} ({stop['stops']}), {MEASURES['identity'](stop):.3f}" if stop else "never"
            ends = [f"{one['round']}, {MEASURES['identity'](one):.3f}" for one in (best, own[-1])]
            lines.append([title, own[0]["name"], ends[0], at, ends[1]])
    return table("Round and identity", ["way", "character", "best", "rule stops", "last"], lines)


def curve_of(found: Sequence[Row], way: str, value: Callable[[Row], float]) -> Curve:
    """A way's mean after each round; rings mark the rounds in which the stopping rule would stop first."""
    own = [row for row in found if row["way"] == way]
    points = []
    for number in sorted({row["round"] for row in own}):
        points.append((float(number), _mean([row for row in own if row["round"] == number], value)))
    stops: dict[int, float] = {}
    for row in own:
        if row["stops"]:
            first = stops.get(row["character"], row["round"])
            stops[row["character"]] = float(min(first, row["round"]))
    return Curve(WAYS[way], COLORS[way], points, tuple(stops.values()))


def _mean(found: Sequence[Row], value: Callable[[Row], float]) -> float:
    values = [value(row) for row in found]
    return sum(values) / len(values) if values else float("nan")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, play, and write what came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.puppetbench.drift", description=__doc__)
    parser.add_argument("--character", type=int, nargs="+", default=[1], help="which of the twenty puppets, from 1")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--quick", action="store_true", help="reduced counts: checks the machinery")
    parser.add_argument("--set", action="append", default=[], help="a setting of the run, a.b=c, for both ways")
    parser.add_argument("--work", type=Path, default=Path("runs/puppetbench-drift"))
    parser.add_argument("--report", action="store_true", help="only write table and plot of the rows there are")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        if not given.report:
            _play_all(given)
        sys.stdout.write(publish(given.work))
    except BootstrapError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command continues")


def _play_all(given: argparse.Namespace) -> None:
    settings: Settings = (QUICK if given.quick else FULL).given(("loop.after_drift=stop", *given.set))
    for number in given.character:
        if not 1 <= number <= len(CHARACTERS):
            raise UsageError(f'--character "{number}" is no puppet', f"give 1 to {len(CHARACTERS)}")
        seed = CHARACTERS[number - 1]
        stage = Stage(seed, given.work / "characters" / str(seed), settings)
        try:
            play(stage, given.ways, given.rounds, given.work)
        finally:
            stage.close()


if __name__ == "__main__":
    main()
