"""Options of one training. Does NOT know any model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrainOptions:
    """One training: how long, where, on which data.

    `minutes` is the length of the learning-rate schedule; time spent before an interruption counts. `out` is the folder
    that the finished model is exported to (None: where the package looks for it); `workdir` holds drawings, checkpoints
    and logs and may be deleted at any time. `pictures` are those of the data set; a training that draws while it trains
    keeps the newest `pictures` and has `workers` processes that draw (0: it draws itself). `start` is a folder of
    trained weights to continue from (None: random weights). `own_reference` teaches an adapter with each drawing
    as its own reference. `steps` ends the training early (for tests).
    """

    minutes: float = 15.0
    device: str = "auto"
    out: Path | None = None
    workdir: Path = Path(".train")
    threads: int = 1
    workers: int = 2
    pictures: int = 24_000
    batch: int = 32
    random_seed: int = 0
    start: Path | None = None
    own_reference: bool = False
    steps: int | None = None
