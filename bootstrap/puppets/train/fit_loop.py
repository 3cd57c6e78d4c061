"""The training loop that most trainings share: steps until the schedule ends, averaged weights, a log, a checkpoint.

Does NOT know what is trained.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bootstrap.puppets.train import training_state
from bootstrap.puppets.train.train_options import TrainOptions

log = logging.getLogger(__name__)

BatchLosses = Callable[[nn.Module, np.random.Generator], dict[str, Tensor]]
"""Draws a batch and returns its losses by name; their sum is minimised."""

AfterCheckpoint = Callable[[nn.Module], None]
"""Gets the averaged model after each checkpoint."""


def fit(
    name: str,
    model: nn.Module,
    batch_losses: BatchLosses,
    options: TrainOptions,
    share: float,
    rate: float,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    decay: float = 0.995,
    after_checkpoint: AfterCheckpoint | None = None,
) -> nn.Module:
    """Train `model` and return its averaged copy in evaluation mode.

    Continues from the checkpoint in `options.workdir / name` if there is one.

    Args:
        name: folder and prefix in the log.
        model: on its device already.
        batch_losses: one batch and its losses.
        options: times, random seed, folders.
        share: of `options.minutes` that this training may take.
        rate: highest learning rate (cosine).
        optimizer: replaces AdamW.
        decay: of the averaged weights.
        after_checkpoint: called after each checkpoint.
    """
    torch.manual_seed(options.random_seed)
    clock = training_state.TrainingClock(options.minutes * share, options.steps)
    optimizer = optimizer or torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.98), weight_decay=0.02)
    average = training_state.Ema(model, decay)
    path = options.workdir / name / "state.pt"
    _restore(path, model, optimizer, average, clock)
    rng = np.random.default_rng([options.random_seed, clock.step])
    note, keep = training_state.Timer(15), training_state.Timer(90)
    while not clock.done:
        training_state.set_rate(optimizer, rate * training_state.cosine(clock.progress))
        losses = _step(model, optimizer, batch_losses, rng)
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


def _averaged(model: nn.Module, average: training_state.Ema) -> nn.Module:
    averaged = copy.deepcopy(model)
    averaged.load_state_dict(average.shadow)
    return averaged.eval()


def _step(
    model: nn.Module, optimizer: torch.optim.Optimizer, batch_losses: BatchLosses, rng: np.random.Generator
) -> dict[str, float]:
    model.train()
    losses = batch_losses(model, rng)
    optimizer.zero_grad()
    torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    return {key: float(value.detach()) for key, value in losses.items()}


def _log(name: str, path: Path, clock: training_state.TrainingClock, losses: dict[str, float]) -> None:
    row = {"step": clock.step, "seconds": round(clock.spent), **losses}
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
