"""The training of one LoRA, from the first step to the last: reads top to bottom, knows no run and no round.

What it trains on is handed in as `TrainingInputs`: fresh adapter weights, cached latents, and functions that predict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bootstrap.errors import BackendError, Interrupted
from bootstrap.events import Emit, Noted, Progress
from bootstrap.records import TrainItem
from bootstrap.training.checkpoint import load_checkpoint, save_checkpoint
from bootstrap.training.inputs import TrainingInputs
from bootstrap.training.losslog import LossLog
from bootstrap.training.passes import Passes
from bootstrap.training.processes import ALONE, Processes
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.state import TrainingState

__all__ = ["AtStep", "TrainingOutcome", "train_lora"]

AtStep = Callable[[int], None]
"""Called after so many steps, with the adapter's weights as they would be if the training ended then."""

REPORT_EVERY = 5
"""Steps between two progress events, and between two checks whether the numbers are still finite."""


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How a training ended: optimiser steps in the weights, and the mean loss of the last tenth.

    ``earlier`` are the weights that were kept on the way.
    """

    steps: int
    final_loss: float
    earlier: tuple[TrainingOutcome, ...] = ()


def train_lora(
    inputs: TrainingInputs,
    items: Sequence[TrainItem],
    recipe: TrainRecipe,
    workdir: Path,
    emit: Emit,
    keep: AtStep | None = None,
    sample: AtStep | None = None,
    processes: Processes = ALONE,
) -> TrainingOutcome:
    """Train the inputs' adapter weights in place; ``keep`` is called at the recipe's ``kept_steps``.

    ``sample`` is called every ``sample_every_n_steps``. Losses go to the workdir, see `bootstrap.training.losslog`.
    ``processes`` share the passes of each step; each trains the same weights.

    Continues from a checkpoint of the same recipe, base, pictures and captions. Where a loss or a weight is no finite
    number it emits a note and stops with the weights of the last checkpoint; raises BackendError if there is none.
    """
    passes, key = Passes(inputs, items, recipe), _key(inputs, items, recipe)
    state = TrainingState(inputs.weights, inputs.text_weights, recipe, inputs.scales_loss)
    log = LossLog(workdir, recipe)
    if (saved := load_checkpoint(workdir, key)) is not None:
        state.restore(saved)
    while state.step < recipe.steps:
        state.advance(_gradients(state, passes, processes))
        due = _due(state.step, recipe)
        callbacks = [callback for callback, now in ((keep, due.keep), (sample, due.sample)) if callback and now]
        if (due.checkpoint or due.report or callbacks) and not state.finite():
            _give_up(state, emit)
            break
        # before the checkpoint, so that no resume begins after what it must keep
        for callback in callbacks:
            with state.as_finished():
                callback(state.step)
        if due.checkpoint:
            state.mark_good()
            save_checkpoint(workdir, key, state.state())
            log.write(state.losses)
        if due.report:
            try:
                emit(Progress("training", state.step, recipe.steps, f"loss {float(state.losses[-1]):.4f}"))
            except Interrupted:
                save_checkpoint(workdir, key, state.state())
                raise
    log.write(state.losses)
    kept = [step for step in recipe.kept_steps if step < state.step and keep is not None]
    earlier = tuple(TrainingOutcome(step, state.loss_at(step)) for step in kept)
    return TrainingOutcome(state.step, state.finish(), earlier)


@dataclass(frozen=True)
class _Due:
    """What is to be done after a step."""

    checkpoint: bool
    report: bool
    keep: bool
    sample: bool


def _due(step: int, recipe: TrainRecipe) -> _Due:
    last = step == recipe.steps
    return _Due(
        checkpoint=last or step % recipe.checkpoint_every == 0,
        report=last or step % REPORT_EVERY == 0,
        keep=step in recipe.kept_steps,
        sample=bool(recipe.sample_every_n_steps) and step % recipe.sample_every_n_steps == 0,
    )


def _gradients(state: TrainingState, passes: Passes, processes: Processes) -> torch.Tensor:
    """Sum up the scaled gradients of one step's forward passes; returns their mean loss, without gradient or scale."""
    count = passes.recipe.gradient_accumulation_steps
    losses = [torch.zeros((), device=state.weights[0].device)]
    for part in range(count):
        if processes.mine(part):
            loss = passes.loss(state.step * count + part) / count
            state.scaled(loss).backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
    return processes.add_up(torch.stack(losses).sum(), state.weights)


def _give_up(state: TrainingState, emit: Emit) -> None:
    """Return to the last good weights and say so; raises BackendError where there are none."""
    failed = state.step
    hint = "lower learning_rate in the recipe"
    if not state.fall_back():
        raise BackendError(f"the training loss is not finite before step {failed}", hint)
    emit(Noted(f"training stopped with the weights of step {state.step}: no finite loss before step {failed}; {hint}"))


def _key(inputs: TrainingInputs, items: Sequence[TrainItem], recipe: TrainRecipe) -> str:
    """Names the training: another base, picture, caption, weight or setting is another training."""
    facts = [(item.tags, item.weight) for item in items]
    parts = (inputs.content, inputs.objective.name, facts, recipe.identity())
    return hashlib.sha256(repr(parts).encode()).hexdigest()
