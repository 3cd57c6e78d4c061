"""The loop that small encoders and detectors share: steps until the time is up, an average, a log, a checkpoint.

Does NOT know what is learned.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bootstrap.puppets.train import checkpoint
from bootstrap.puppets.train.options import TrainOptions

log = logging.getLogger(__name__)

Lesson = Callable[[nn.Module, np.random.Generator], dict[str, Tensor]]
"""Draws a batch and returns its losses by name; their sum is minimised."""

Kept = Callable[[nn.Module], None]
"""Is shown the averaged model from time to time."""


def fit(
    name: str,
    model: nn.Module,
    lesson: Lesson,
    options: TrainOptions,
    share: float,
    rate: float,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    decay: float = 0.995,
    kept: Kept | None = None,
) -> nn.Module:
    """Train `model` and return its averaged copy in evaluation mode.

    Goes on from its checkpoint in `options.workdir / name` if there is one.

    Args:
        name: folder and prefix in the log.
        model: on its device already.
        lesson: one batch and its losses.
        options: times, seed, folders.
        share: of `options.minutes` that this training may take.
        rate: highest learning rate (cosine).
        optimizer: in place of AdamW.
        decay: of the average.
        kept: is called after each checkpoint.
    """
    torch.manual_seed(options.seed)
    clock = checkpoint.Clock(options.minutes * share, options.steps)
    optimizer = optimizer or torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.98), weight_decay=0.02)
    average = checkpoint.Ema(model, decay)
    path = options.workdir / name / "state.pt"
    _restore(path, model, optimizer, average, clock)
    rng = np.random.default_rng([options.seed, clock.step])
    note, keep = checkpoint.Every(15), checkpoint.Every(90)
    while not clock.done:
        checkpoint.set_rate(optimizer, rate * checkpoint.cosine(clock.progress))
        losses = _step(model, optimizer, lesson, rng)
        average.update(model)
        clock.tick()
        if note():
            _log(name, path, clock, losses)
        if keep():
            _save(path, model, optimizer, average, clock)
            if kept:
                kept(_averaged(model, average))
                clock.pause()
    _save(path, model, optimizer, average, clock)
    return _averaged(model, average)


def _averaged(model: nn.Module, average: checkpoint.Ema) -> nn.Module:
    averaged = copy.deepcopy(model)
    averaged.load_state_dict(average.shadow)
    return averaged.eval()


def _step(
    model: nn.Module, optimizer: torch.optim.Optimizer, lesson: Lesson, rng: np.random.Generator
) -> dict[str, float]:
    model.train()
    losses = lesson(model, rng)
    optimizer.zero_grad()
    torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    return {key: float(value.detach()) for key, value in losses.items()}


def _log(name: str, path: Path, clock: checkpoint.Clock, losses: dict[str, float]) -> None:
    row = {"step": clock.step, "seconds": round(clock.spent), **losses}
    checkpoint.append_row(path.with_name("log.csv"), row)
    log.info("%s %s", name, " ".join(f"{key} {value:.3g}" for key, value in row.items()))


def _save(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: checkpoint.Ema,
    clock: checkpoint.Clock,
) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    checkpoint.save_checkpoint(path, {**state, "average": average.state(), "clock": clock.state()})


def _restore(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: checkpoint.Ema,
    clock: checkpoint.Clock,
) -> None:
    state = checkpoint.load_checkpoint(path)
    if state is None:
        return
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    average.restore(state["average"])
    clock.restore(state["clock"])
