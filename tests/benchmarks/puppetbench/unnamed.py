"""Unnamed traits, one by one: `python -m tests.benchmarks.puppetbench.unnamed --work runs/puppetbench`.

For each trait that no caption can name, the true puppet is drawn, and the same puppet with only that trait changed. A
picture of the panel has the trait if the judge finds it nearer to the first drawing than to the second. Only shots
count in which the change is visible and the judge tells the two drawings apart. Reads finished panels and draws no new
pictures: rows of contestants stay, `unnamed.md` is added beside the table. Another individual would get 50 %.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.puppets.anatomy import Puppet, sample_puppet
from bootstrap.puppets.casting import puppet_shot
from bootstrap.puppets.render import render
from bootstrap.records import Shot
from bootstrap.store.files import write_atomic
from tests.benchmarks.puppetbench import rows
from tests.benchmarks.puppetbench.counterfactual import TRAITS, changed
from tests.benchmarks.puppetbench.markdown import table
from tests.benchmarks.puppetbench.panels import Images, panel_path, read_panel
from tests.benchmarks.puppetbench.rows import Row
from tests.benchmarks.puppetbench.settings import TITLES
from tests.benchmarks.puppetbench.shares import mean

log = logging.getLogger(__name__)

SEEN = 12
"""Pixels (of 96 x 96) that the change must alter visibly."""
CLEARLY = 24
"""Difference of a pixel's channel (0-255) that counts."""
APART = 0.01
"""Least 1 − cosine of two drawings that the judge tells apart."""
MOST = 48
"""Shots of a panel that are used, spread over it: 29 changed traits are drawn for each."""
FEWEST = 3
"""Fewest shots for a trait of a character to count."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Drawings:
    """The judge's vectors of the puppet in each shot (N, D), true and with a trait changed; ``asked``: which count."""

    true: Floats
    other: Mapping[str, Floats]
    asked: Mapping[str, NDArray[np.bool_]]


def drawings(truth: Any, puppet: Puppet, shots: Sequence[Shot]) -> Drawings:
    """Paint the puppet and every counterfactual in every shot, and embed them by the judge."""
    plain = [puppet_shot(shot) for shot in shots]
    drawn = np.stack([render(puppet, shot).image for shot in plain])
    true = truth.embed_painted(drawn)
    other, asked = {}, {}
    for trait in TRAITS:
        twin = changed(puppet, trait)
        pictures = np.stack([render(twin, shot).image for shot in plain])
        seen = visible(drawn, pictures)
        vectors = true.copy()
        if seen.any():
            vectors[seen] = truth.embed_painted(pictures[seen])
        other[trait] = vectors
        asked[trait] = (true * vectors).sum(1) < 1 - APART
    return Drawings(true, other, asked)


def visible(one: Images, other: Images) -> NDArray[np.bool_]:
    """Which of the pictures (N, H, W, 3) differ in enough pixels."""
    apart = np.abs(one.astype(np.int16) - other.astype(np.int16)).max(axis=-1) > CLEARLY
    found: NDArray[np.bool_] = apart.sum(axis=(1, 2)) >= SEEN
    return found


def recovered(vectors: Floats, drawn_set: Drawings) -> dict[str, tuple[int, int]]:
    """Trait → (pictures nearer to the true drawing than to the changed one, pictures that count)."""
    found = {}
    for trait, other in drawn_set.other.items():
        asked = drawn_set.asked[trait]
        nearer = (vectors * drawn_set.true).sum(1) > (vectors * other).sum(1)
        found[trait] = (int((nearer & asked).sum()), int(asked.sum()))
    return found


def inspect(work: Path, contestants: Sequence[str]) -> None:
    """A row for every finished panel that has none."""
    known: dict[int, tuple[Any, Drawings]] = {}
    finished = rows.read_all(work, contestants)
    for row in finished:
        seed, path = row["character"], _path(work, row)
        if path.is_file() or not panel_path(work, seed, row["contestant"]).is_file():
            continue
        if seed not in known:
            known = {seed: _set_up(work, seed)}
        truth, drawn_set = known[seed]
        count = row["all"]["pictures"]
        images = read_panel(panel_path(work, seed, row["contestant"]), count)[_some(count)]
        counts = recovered(truth.judge.embed(images), drawn_set)
        about = {name: row[name] for name in ("key", "character", "name", "contestant")}
        write_atomic(path, (json.dumps({**about, "recovered": counts}, indent=1) + "\n").encode())
        log.info("%s %s: %s", row["name"], row["contestant"], _all(counts))


def _set_up(work: Path, seed: int) -> tuple[Any, Drawings]:
    from tests.benchmarks.puppetbench.truth import Truth

    plain = json.loads((work / "characters" / str(seed) / "panel.json").read_text("utf-8"))
    puppet, path = sample_puppet(seed), work / "unnamed" / f"{seed}.npz"
    truth = Truth(puppet)
    if not path.is_file():
        drawn_set = drawings(truth, puppet, [Shot(**plain[place]) for place in _some(len(plain))])
        save_drawings(path, drawn_set)
    return truth, load_drawings(path)


def _some(count: int) -> NDArray[np.int64]:
    """Indices of at most MOST of ``count`` shots, evenly spread."""
    return np.linspace(0, count - 1, min(count, MOST)).round().astype(np.int64)


def save_drawings(path: Path, drawn_set: Drawings) -> None:
    buffer = io.BytesIO()
    parts = {f"other {trait}": vectors for trait, vectors in drawn_set.other.items()}
    asked = {f"asked {trait}": places for trait, places in drawn_set.asked.items()}
    np.savez_compressed(buffer, true=drawn_set.true, **parts, **asked)
    write_atomic(path, buffer.getvalue())


def load_drawings(path: Path) -> Drawings:
    """Drawings as `save_drawings` wrote them."""
    with np.load(path) as kept:
        other = {trait: kept[f"other {trait}"] for trait in TRAITS}
        return Drawings(kept["true"], other, {trait: kept[f"asked {trait}"] for trait in TRAITS})


def _path(work: Path, row: Row) -> Path:
    return work / "unnamed" / f"{row['character']}-{row['contestant']}.json"


def read_all(work: Path, contestants: Sequence[str]) -> list[Row]:
    """Every row of these contestants."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted((work / "unnamed").glob("*.json"))]
    return [row for row in found if row["contestant"] in contestants]


def markdown_of(found: Sequence[Row], contestants: Sequence[str]) -> str:
    """A line for each trait, a column for each contestant: % of pictures that show it, over all characters."""
    names = [name for name in contestants if any(row["contestant"] == name for row in found)]
    lines = []
    for trait in TRAITS:
        counts = {name: _summed(found, name, trait) for name in names}
        if any(shown for _, shown in counts.values()):
            cells = [f"{100 * right / shown:.0f}" if shown else "–" for right, shown in counts.values()]
            lines.append([trait.replace("_", " "), *cells, str(max(shown for _, shown in counts.values()))])
    lines.append(["**mean of traits**", *(_mean(found, name) for name in names), ""])
    head = ["unnamed trait", *(TITLES.get(name, name) for name in names), "pictures"]
    title = "Unnamed traits recovered, % of the pictures that can tell (50: as somebody else)"
    return table(title, head, lines) + "\n"


def _summed(found: Sequence[Row], name: str, trait: str) -> tuple[int, int]:
    counts = [row["recovered"].get(trait, (0, 0)) for row in found if row["contestant"] == name]
    return sum(right for right, _ in counts), sum(shown for _, shown in counts)


def _mean(found: Sequence[Row], name: str) -> str:
    """Mean over traits, then over characters with its interval, in %."""
    return str(mean([100 * _all(row["recovered"]) for row in found if row["contestant"] == name]))


def _all(counts: Mapping[str, Sequence[int]]) -> float:
    shares = [right / shown for right, shown in counts.values() if shown >= FEWEST]
    return float(np.mean(shares)) if shares else float("nan")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, look, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.puppetbench.unnamed", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/puppetbench"))
    parser.add_argument("--contestants", nargs="+", default=list(TITLES))
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        inspect(given.work, given.contestants)
        found = read_all(given.work, given.contestants)
        if not found:
            raise UsageError(f"there is no finished panel in '{given.work}'", "run the benchmark into it first")
        text = markdown_of(found, given.contestants)
        write_atomic(given.work / "unnamed.md", text.encode())
        sys.stdout.write(text)
    except BootstrapError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
