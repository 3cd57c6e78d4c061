"""The training loop that most trainings share: steps until the schedule ends, averaged weights, a log, a checkpoint.

Does NOT know what is trained.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from bootstrap.puppets.train import training_state
from bootstrap.puppets.train.batch_step import BatchLosses, BatchStep, DivisibleLosses
from bootstrap.puppets.train.train_options import TrainOptions

log = logging.getLogger(__name__)

AfterCheckpoint = Callable[[nn.Module], None]
"""Gets the averaged model after each checkpoint."""


def fit(
    name: str,
    model: nn.Module,
    batch_losses: BatchLosses | DivisibleLosses,
    options: TrainOptions,
    share: float,
    rate: float,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    decay: float = 0.995,
    floor: float = 0.01,
    after_checkpoint: AfterCheckpoint | None = None,
) -> nn.Module:
    """Train `model` and return its averaged copy in evaluation mode.

    Continues from the checkpoint in `options.workdir / name` if there is one.

    Args:
        name: folder and prefix in the log.
        model: on its device already.
        batch_losses: one batch and its losses. Its random numbers depend on the step alone, so that a continued
            training draws what an undisturbed one draws.
        options: times, random seed, folders.
        share: of `options.minutes` that this training may take.
        rate: highest learning rate (cosine).
        optimizer: replaces AdamW.
        decay: of the averaged weights.
        floor: share of the rate that is left at the end.
        after_checkpoint: called after each checkpoint.
    """
    clock = training_state.TrainingClock(options.minutes * share, options.steps)
    optimizer = optimizer or torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.98), weight_decay=0.02)
    average = training_state.Ema(model, decay)
    path = options.workdir / name / "state.pt"
    _restore(path, model, optimizer, average, clock)
    take_step, losses = BatchStep(model, optimizer, batch_losses), MeanLosses()
    note, keep = training_state.Timer(15), training_state.Timer(90)
    while not clock.done:
        training_state.set_rate(optimizer, rate * training_state.cosine(clock.progress, floor=floor))
        losses.add(take_step([options.random_seed, clock.step]))
        average.update(model)
        clock.tick()
        if note():
            _log(name, path, clock, losses)
        if keep():
            _save(path, model, optimizer, average, clock)
            if after_checkpoint:
                after_checkpoint(_averaged(model, average))
                clock.pause()
    _save(path, model, optimizer, average, clock)
    return _averaged(model, average)


class MeanLosses:
    """Losses by name, averaged since they were last read; they stay on their device until then."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of a step."""
        self._count += 1
        for name, value in losses.items():
            self._sums[name] = value + self._sums.get(name, 0)

    def read(self) -> dict[str, float]:
        """The means since the last call."""
        means = {name: float(value) / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return means


def _averaged(model: nn.Module, average: training_state.Ema) -> nn.Module:
    averaged = copy.deepcopy(model)
    averaged.load_state_dict(average.shadow)
    return averaged.eval()


def _log(name: str, path: Path, clock: training_state.TrainingClock, losses: MeanLosses) -> None:
    row = {"step": clock.step, "seconds": round(clock.spent), **losses.read()}
    training_state.append_row(path.with_name("log.csv"), row)
    log.info("%s %s", name, " ".join(f"{key} {value:.3g}" for key, value in row.items()))


def _save(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: training_state.Ema,
    clock: training_state.TrainingClock,
) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    training_state.save_checkpoint(path, {**state, "average": average.state(), "clock": clock.state()})


def _restore(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: training_state.Ema,
    clock: training_state.TrainingClock,
) -> None:
    state = training_state.load_checkpoint(path)
    if state is None:
        return
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    average.restore(state["average"])
    clock.restore(state["clock"])
