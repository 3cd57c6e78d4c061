"""How fast the embedded base draws, trains and is scored, as ratios within one run.

    python tests/benchmarks/speed.py [--threads 2]

Prints a table for RESULTS.md: each row against the first of its group, so that a slow machine changes little.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))


def seconds(work: Callable[[], object]) -> float:
    """The faster of two runs, after one that is not counted."""
    work()
    times = []
    for _ in range(2):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    import torch

    torch.set_num_threads(threads)
    from bootstrap.backends.diffusers import DiffusersBackend
    from bootstrap.config import embedded, load
    from bootstrap.records import Job, JobKind, Shot, TrainItem

    config = load("puppet")
    root = Path(__file__).parent.parent.parent
    shot = Shot("front", "front", "portrait", "smile", "standing", "default", "forest", "cel shading")
    jobs = [Job(str(n), JobKind.CANDIDATE, 1, 1, shot, "1girl, blue hair, from front", "", n, {}) for n in range(48)]
    rows = []
    for batch, dtype in ((24, "auto"), (24, "float32"), (1, "auto"), (8, "auto"), (48, "auto")):
        settings = config.base.sampling.model_copy(update={"batch_size": batch, "dtype": dtype})
        backend = DiffusersBackend(embedded(config.base.path), settings)
        took = seconds(lambda backend=backend, batch=batch: list(backend.generate(jobs[: max(batch, 8)], None)))
        rows.append((f"draw, batch {batch}, {dtype}", max(batch, 8) / took, "pictures/s"))
    backend = DiffusersBackend(embedded(config.base.path), config.base.sampling)
    items = [TrainItem(str(root / "configs/characters/ruby/seed.png"), ("rubychr", "from front"), "seed")]
    recipe = config.base.style.model_copy(update={"steps": 20, "checkpoint_every": 1000})

    def train() -> None:
        with tempfile.TemporaryDirectory() as folder:
            backend.train(items, recipe, Path(folder), lambda event: None)

    rows.append((f"train, batch {recipe.batch_size}, rank {recipe.rank}", 20 / seconds(train), "steps/s"))
    print(f"{threads} threads, torch {torch.__version__}")  # noqa: T201
    for name, value, unit in rows:
        print(f"| {name} | {value:.1f} {unit} | {value / rows[0][1]:.2f} |")  # noqa: T201


if __name__ == "__main__":
    main()
