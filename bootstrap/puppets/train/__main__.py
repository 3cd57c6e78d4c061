"""`python -m bootstrap.puppets.train MODEL`: trains one shipped model and exports it.

Interrupted trainings go on where they stopped when started again with the same work folder.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bootstrap.puppets.train.options import TrainOptions

TRAINERS = {
    "vae": "bootstrap.puppets.train.vae",
    "text": "bootstrap.puppets.train.text",
    "base": "bootstrap.puppets.train.base",
    "clip": "bootstrap.puppets.train.clip",
    "face": "bootstrap.puppets.train.face",
    "heldout": "bootstrap.puppets.train.heldout",
    "judge": "bootstrap.puppets.train.judge",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    trainer = import_module(TRAINERS[given.model])
    given_options = {name: value for name, value in vars(given).items() if name != "model"}
    trainer.train(TrainOptions(**given_options))


def _parser() -> argparse.ArgumentParser:
    standard = TrainOptions()
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.train", description=__doc__)
    parser.add_argument("model", choices=TRAINERS)
    parser.add_argument("--minutes", type=float, default=standard.minutes, help="training time of the whole schedule")
    parser.add_argument("--device", default=standard.device, help="auto, cpu, cuda or mps")
    parser.add_argument("--out", type=Path, default=None, help="export folder (default: the shipped model's)")
    parser.add_argument("--workdir", type=Path, default=standard.workdir, help="drawings, checkpoints, logs")
    parser.add_argument("--threads", type=int, default=standard.threads, help="CPU threads of the training")
    parser.add_argument("--workers", type=int, default=standard.workers, help="processes that draw")
    parser.add_argument("--pictures", type=int, default=standard.pictures, help="drawings in the data set")
    parser.add_argument("--start", type=Path, default=None, help="folder of a shipped model to go on from")
    parser.add_argument("--batch", type=int, default=standard.batch)
    parser.add_argument("--seed", type=int, default=standard.seed)
    return parser


if __name__ == "__main__":
    main()
