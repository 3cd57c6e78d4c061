"""Is the advised weight right? `python -m tests.benchmarks.puppetbench.advised --work runs/puppetbench [--part 1/2]`.

The finished LoRA of each character's run draws the panel at several weights; the judge says how alike each is, beside
the weight that the run's acceptance advises, and the share of the run's time that the acceptance took. Reads finished
runs of the contestant `ours`; rows of contestants stay, `advised.md` is added beside the table.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.records import JobKind
from bootstrap.runs.accepted import last_accepted
from bootstrap.store.files import write_atomic
from bootstrap.store.store import DATABASE, Store
from loops.budget import speeds_of
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.settings import CHARACTERS, FULL
from tests.benchmarks.puppetbench.stage import Stage

log = logging.getLogger(__name__)

WEIGHTS = (1.0, 0.8, 0.6)
RIGHT = 0.005
"""Likeness that the advised weight may lose to the best."""
ROWS = "advised"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is not measured yet, write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.puppetbench.advised")
    parser.add_argument("--work", type=Path, default=Path("runs/puppetbench"), help="folder of a finished benchmark")
    parser.add_argument("--part", default="1/1", help="k/n: only every n-th character")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    part, parts = map(int, given.part.split("/"))
    try:
        for number in CHARACTERS[part - 1 :: parts]:
            folder = given.work / "characters" / str(number)
            if (folder / "ours" / DATABASE).is_file() and not row_file(given.work, number).is_file():
                stage = Stage(number, folder, FULL)
                try:
                    measure(stage, given.work)
                finally:
                    stage.close()
        sys.stdout.write(publish(given.work))
    except BootstrapError as error:
        sys.exit(f"error: {error}")


def row_file(work: Path, number: int) -> Path:
    """Where the row of a character lies."""
    return work / ROWS / f"{number}.json"


def measure(stage: Stage, work: Path) -> None:
    """Draw the panel at each weight with a character's finished LoRA and store the judge's answers."""
    with Store.open(stage.folder / "ours", exclusive=False) as store:
        accepted = last_accepted(store)
        if accepted is None:
            log.info("%s: its LoRA was not tried", stage.character.name)
            return
        own = next(one for one in store.adapters() if one.id == accepted.adapter)
        file, share = store.directory / own.path, time_share(store)
    likeness = {}
    for weight in sorted({*WEIGHTS, accepted.weight}, reverse=True):
        blend = stage.folder / f"advised-{weight:g}.safetensors"  # a drawer keeps what it has loaded from a path
        stage.backend.blend([(file, weight)], blend)
        images = stage.draw(stage.panel, blend, own.phase)
        blend.unlink()
        likeness[f"{weight:g}"] = round(float(stage.truth.likeness(images, stage.panel).mean()), 4)
        log.info("%s at %g: %.4f", stage.character.name, weight, likeness[f"{weight:g}"])
    row = {"name": stage.character.name, "advised": accepted.weight, "likeness": likeness, "share": round(share, 4)}
    write_atomic(row_file(work, stage.number), json.dumps(row, indent=1).encode())


def time_share(store: Store) -> float:
    """The part of a run's seconds that its acceptance took, the probe of the chosen weights included."""
    pictures = store.frames(kind=JobKind.ACCEPTANCE)
    chosen = {adapter.id for adapter in store.adapters() if adapter.is_final}
    pictures += [frame for frame in store.frames(kind=JobKind.PROBE) if frame.adapter in chosen]
    return len(pictures) * speeds_of(store.events()).picture / max(1e-9, sum(store.timings().values()))


def publish(work: Path) -> str:
    """Write advised.md of the rows there are; returns it."""
    found: list[dict[str, Any]] = []
    for path in sorted((work / ROWS).glob("*.json")):
        found.append(json.loads(path.read_text("utf-8")))
    if not found:
        raise UsageError(f"no finished run in '{work}' has tried its LoRA", "run the contestant ours into it first")
    lines, right = [], 0
    for row in found:
        values = row["likeness"]
        lost = max(values.values()) - values[f"{row['advised']:g}"]
        right += lost <= RIGHT
        each = [f"{values[f'{weight:g}']:.3f}" for weight in WEIGHTS]
        lines.append([row["name"], *each, f"{row['advised']:g}", f"{lost:.3f}", f"{100 * row['share']:.0f} %"])
    head = ("character", *(f"at {weight:g}" for weight in WEIGHTS), "advised", "lost", "of the run's time")
    text = f"{table('The advised weight', head, lines)}\n\nWithin {RIGHT} of the best: {right} of {len(found)}.\n"
    write_atomic(work / "advised.md", text.encode())
    return text


if __name__ == "__main__":
    main()
