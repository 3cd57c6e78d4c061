"""The training of one LoRA, from the first step to the last: reads top to bottom, knows no run and no round.

What it trains on is handed in as a `TrainingInputs`: fresh adapter weights, cached latents, and a function that guesses noise.
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
from bootstrap.training.inputs import Guess, TrainingInputs
from bootstrap.training.learner import Learner
from bootstrap.training.losslog import LossLog
from bootstrap.training.passes import Passes
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Guess", "Keep", "Outcome", "TrainingInputs", "train_lora"]

Keep = Callable[[int], None]
"""Keeps the bench's weights as they stand after so many steps."""

TELL_EVERY = 5
"""Steps between two signs of life, and between two looks whether the numbers are still finite."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended: optimiser steps in the weights, and the mean loss of the last tenth.

    ``earlier`` are the weights that were kept on the way.
    """

    steps: int
    final_loss: float
    earlier: tuple[Outcome, ...] = ()


def train_lora(
    bench: TrainingInputs,
    items: Sequence[TrainItem],
    recipe: TrainRecipe,
    workdir: Path,
    emit: Emit,
    keep: Keep | None = None,
    sample: Keep | None = None,
) -> Outcome:
    """Train the bench's adapter weights in place; ``keep`` is called at the recipe's ``kept_steps``.

    ``sample`` is called every ``sample_every_n_steps``, with the weights as they would come out then. Losses are kept
    in the workdir, see `bootstrap.training.losslog`.

    Continues from a checkpoint of the same recipe, base, pictures and captions. Where a loss or a weight is no finite
    number it stops with the weights of the last regular checkpoint and says so; raises BackendError if there is none.
    """
    passes, key = Passes(bench, items, recipe), _key(bench, items, recipe)
    learner, log = Learner(bench.weights, bench.text_weights, recipe), LossLog(workdir, recipe)
    if (state := load_checkpoint(workdir, key)) is not None:
        learner.restore(state)
    while learner.step < recipe.steps:
        learner.advance(_gradients(bench, passes, learner.step))
        last = learner.step == recipe.steps
        keeping, telling = learner.step % recipe.checkpoint_every == 0 or last, learner.step % TELL_EVERY == 0 or last
        choosing = keep is not None and learner.step in recipe.kept_steps
        sampling = sample is not None and learner.step % (recipe.sample_every_n_steps or recipe.steps + 1) == 0
        if (keeping or telling or choosing or sampling) and not learner.finite():
            _give_up(learner, emit)
            break
        # before the checkpoint, so that no resume begins after what it must keep
        for wanted, show in ((choosing, keep), (sampling, sample)):
            if wanted and show is not None:
                with learner.showing():
                    show(learner.step)
        if keeping:
            learner.trust()
            save_checkpoint(workdir, key, learner.state())
            log.write(learner.losses)
        if telling:
            try:
                emit(Progress("training", learner.step, recipe.steps, f"loss {float(learner.losses[-1]):.4f}"))
            except Interrupted:
                save_checkpoint(workdir, key, learner.state())
                raise
    log.write(learner.losses)
    kept = [step for step in recipe.kept_steps if step < learner.step] if keep else []
    earlier = tuple(Outcome(step, learner.loss_at(step)) for step in kept)
    return Outcome(learner.step, learner.finish(), earlier)


def _gradients(bench: TrainingInputs, passes: Passes, step: int) -> torch.Tensor:
    """Sum up the gradients of one step's forward passes; returns their mean loss, without gradient."""
    count = passes.recipe.gradient_accumulation_steps
    losses = []
    for part in range(count):
        loss = passes.loss(step * count + part) / count
        (loss * bench.loss_scale).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    for weight in (*bench.weights, *bench.text_weights) if bench.loss_scale != 1 else ():
        if weight.grad is not None:
            weight.grad.div_(bench.loss_scale)
    return torch.stack(losses).sum()


def _give_up(learner: Learner, emit: Emit) -> None:
    failed = learner.step
    hint = "lower learning_rate in the recipe"
    if not learner.fall_back():
        raise BackendError(f"the training loss is not finite before step {failed}", hint)
    emit(
        Noted(f"training stopped with the weights of step {learner.step}: no finite loss before step {failed}; {hint}")
    )


def _key(bench: TrainingInputs, items: Sequence[TrainItem], recipe: TrainRecipe) -> str:
    """Names the training: another base, picture, caption, weight or setting is another training."""
    facts = [(item.tags, item.weight) for item in items]
    parts = (bench.content, bench.prediction_type, facts, recipe.identity())
    return hashlib.sha256(repr(parts).encode()).hexdigest()
