"""`python -m bootstrap.puppets.train MODEL`: trains one shipped model and exports it; `all` rebuilds every one.

An interrupted training continues when it is started again with the same work folder. Does NOT know how any model is
trained.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from bootstrap.errors import BootstrapError, Interrupted, UsageError
from bootstrap.puppets.train.train_options import TrainOptions

TRAINERS = {
    "vae": "bootstrap.puppets.train.train_vae",
    "text": "bootstrap.puppets.train.train_text",
    "base": "bootstrap.puppets.train.train_base",
    "decoder": "bootstrap.puppets.train.train_decoder",
    "reference": "bootstrap.puppets.train.train_reference",
    "clip": "bootstrap.puppets.train.train_clip",
    "face": "bootstrap.puppets.train.train_face",
    "heldout": "bootstrap.puppets.train.train_heldout",
    "judge": "bootstrap.puppets.train.train_judge",
    "ccip": "bootstrap.puppets.train.train_ccip",
    "domain": "bootstrap.puppets.train.train_domain",
    "traits": "bootstrap.puppets.train.train_traits",
}

EVERYTHING = "all"
BATCHES = {"base": 64, "reference": 64, "judge": 96, "clip": 96, "ccip": 96, "heldout": 60}
"""Batch sizes that differ from the common one: random noise makes the loss of the base noisy, the others contrast."""
SHARES = {
    "vae": 0.15,
    "text": 0.03,
    "base": 0.30,
    "reference": 0.08,
    "judge": 0.12,
    "clip": 0.13,
    "ccip": 0.10,
    "face": 0.06,
    "heldout": 0.03,
    "domain": 0.0,
    "traits": 0.0,
}
"""Share of the minutes that `all` gives to each model, in the order in which they depend on each other; the probes
of the domain and of traits are fitted, not trained, and take their own few minutes."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train; an expected failure is one line, and exits with its code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if given.batch is None:
        given.batch = BATCHES.get(given.model, TrainOptions.batch)
    options = TrainOptions(**{name: value for name, value in vars(given).items() if name != "model"})
    try:
        _check(options)
        if given.model == EVERYTHING:
            rebuild(options)
        else:
            import_module(TRAINERS[given.model]).train(options)
    except BootstrapError as error:
        parser.exit(error.exit_code, f"error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(Interrupted.exit_code, "interrupted; the same command goes on from the last checkpoint\n")


def _check(options: TrainOptions) -> None:
    """Raise UsageError for an option that no training can use."""
    least = {"minutes": 0.001, "batch": 1, "pictures": 1, "threads": 1, "workers": 0}
    for name, smallest in least.items():
        value = getattr(options, name)
        if not smallest <= value < float("inf"):
            raise UsageError(f'--{name}: "{value}" is not possible', f"give {smallest} or more")
    if options.start is not None and not options.start.is_dir():
        raise UsageError(f'--start: "{options.start}" is no folder', "give the folder of a trained model")


def rebuild(options: TrainOptions) -> None:
    """Train every model, one after the other; a finished one is not trained again in the same work folder."""
    for name, share in SHARES.items():
        part = replace(options, minutes=options.minutes * share, batch=BATCHES.get(name, options.batch))
        import_module(TRAINERS[name]).train(part)


def _parser() -> argparse.ArgumentParser:
    standard = TrainOptions()
    parser = argparse.ArgumentParser(prog="python -m bootstrap.puppets.train", description=__doc__)
    parser.add_argument("model", choices=[*TRAINERS, EVERYTHING])
    parser.add_argument("--minutes", type=float, default=standard.minutes, help="training time of the whole schedule")
    parser.add_argument("--device", default=standard.device, help="auto, cpu, cuda or mps")
    parser.add_argument("--out", type=Path, default=None, help="export folder (default: the shipped model's)")
    parser.add_argument("--workdir", type=Path, default=standard.workdir, help="drawings, checkpoints, logs")
    parser.add_argument("--threads", type=int, default=standard.threads, help="CPU threads of the training")
    parser.add_argument(
        "--workers", type=int, default=standard.workers, help="processes that draw (base: 0 draws in this process)"
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=standard.pictures,
        help="drawings in the data set (base: the newest that are kept)",
    )
    parser.add_argument("--start", type=Path, default=None, help="folder of a shipped model to continue from")
    parser.add_argument(
        "--own-reference", action="store_true", help="reference: teach on drawings that are their own reference"
    )
    parser.add_argument("--batch", type=int, default=None, help="samples of a step (default: by model)")
    parser.add_argument("--seed", dest="random_seed", type=int, default=standard.random_seed)
    return parser


if __name__ == "__main__":
    main()
