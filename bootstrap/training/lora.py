"""The training of one LoRA, from the first step to the last: reads top to bottom, knows no run and no round.

What it trains on is handed in as a `Bench`: fresh adapter weights, cached latents, and a function that guesses noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional

from bootstrap.errors import BackendError, Interrupted
from bootstrap.events import Emit, Noted, Progress
from bootstrap.records import TrainItem
from bootstrap.training.batches import Batches
from bootstrap.training.checkpoint import load_checkpoint, save_checkpoint
from bootstrap.training.learner import Learner
from bootstrap.training.losses import noised, snr_weight, target
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Bench", "Guess", "Keep", "Outcome", "train_lora"]

Guess = Callable[[torch.Tensor, torch.Tensor, Sequence[str], Sequence[int]], torch.Tensor]

Keep = Callable[[int], None]
"""Keeps the bench's weights as they stand after so many steps."""

TELL_EVERY = 5
"""Steps between two signs of life, and between two looks whether the numbers are still finite."""


@dataclass(frozen=True)
class Bench:
    """What a training works on.

    ``weights`` are the UNet's LoRA weights, ``text_weights`` the text encoder's (none: it is not trained). ``latents``
    is one scaled (c, h, w) for each item, of several shapes perhaps. ``guess`` predicts from noised latents
    (n, c, h, w), timesteps (n,), n captions and the numbers of their items what ``prediction_type`` names, with
    gradients. ``content`` names the base's weights and the pictures' pixels.
    ``loss_scale`` lifts the gradients on their way back, where half precision would round them to zero.
    """

    weights: Sequence[torch.nn.Parameter]
    text_weights: Sequence[torch.nn.Parameter]
    latents: Sequence[torch.Tensor]
    guess: Guess
    alphas_cumprod: torch.Tensor
    prediction_type: str
    device: str
    content: str = ""
    loss_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended: optimiser steps in the weights, and the mean loss of the last tenth.

    ``earlier`` are the weights that were kept on the way.
    """

    steps: int
    final_loss: float
    earlier: tuple[Outcome, ...] = ()


def train_lora(
    bench: Bench,
    items: Sequence[TrainItem],
    recipe: TrainRecipe,
    workdir: Path,
    emit: Emit,
    keep: Keep | None = None,
) -> Outcome:
    """Train the bench's adapter weights in place; ``keep`` is called at the recipe's ``kept_steps``.

    Continues from a checkpoint of the same recipe, base, pictures and captions. Where a loss or a weight is no finite
    number it stops with the weights of the last regular checkpoint and says so; raises BackendError if there is none.
    """
    shapes = tuple(tuple(latents.shape) for latents in bench.latents)
    batches, key = Batches(items, recipe, shapes), _key(bench, items, recipe)
    learner = Learner(bench.weights, bench.text_weights, recipe)
    if (state := load_checkpoint(workdir, key)) is not None:
        learner.restore(state)
    while learner.step < recipe.steps:
        learner.advance(_gradients(bench, batches, learner.step))
        keeping = learner.step % recipe.checkpoint_every == 0 or learner.step == recipe.steps
        telling = learner.step % TELL_EVERY == 0 or learner.step == recipe.steps
        choosing = keep is not None and learner.step in recipe.kept_steps
        if (keeping or telling or choosing) and not learner.finite():
            _give_up(learner, emit)
            break
        if keep is not None and choosing:  # before the checkpoint, so that no resume begins after what it must keep
            with learner.showing():
                keep(learner.step)
        if keeping:
            learner.trust()
            save_checkpoint(workdir, key, learner.state())
        if telling:
            try:
                emit(Progress("training", learner.step, recipe.steps, f"loss {float(learner.losses[-1]):.4f}"))
            except Interrupted:
                save_checkpoint(workdir, key, learner.state())
                raise
    kept = [step for step in recipe.kept_steps if step < learner.step] if keep else []
    earlier = tuple(Outcome(step, learner.loss_at(step)) for step in kept)
    return Outcome(learner.step, learner.finish(), earlier)


def _gradients(bench: Bench, batches: Batches, step: int) -> torch.Tensor:
    """Sum up the gradients of one step's forward passes; returns their mean loss, without gradient."""
    passes = batches.recipe.gradient_accumulation_steps
    losses = []
    for part in range(passes):
        loss = _loss(bench, batches, step * passes + part) / passes
        (loss * bench.loss_scale).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    for weight in (*bench.weights, *bench.text_weights) if bench.loss_scale != 1 else ():
        if weight.grad is not None:
            weight.grad.div_(bench.loss_scale)
    return torch.stack(losses).sum()


def _loss(bench: Bench, batches: Batches, number: int) -> torch.Tensor:
    """The weighted loss of one forward pass; noise and timesteps depend on seed and number alone."""
    recipe = batches.recipe
    generator = torch.Generator("cpu").manual_seed(recipe.seed * 1_000_003 + number)
    places = batches.places(number)
    latents = torch.stack([bench.latents[place] for place in places])
    noise = torch.randn(latents.shape, generator=generator)
    if recipe.noise_offset:
        noise = noise + recipe.noise_offset * torch.randn((*latents.shape[:2], 1, 1), generator=generator)
    times = torch.randint(0, len(bench.alphas_cumprod), (len(latents),), generator=generator)
    signal = bench.alphas_cumprod[times].to(bench.device)
    latents, noise, times = latents.to(bench.device), noise.to(bench.device), times.to(bench.device)
    guess = bench.guess(noised(latents, noise, signal), times, batches.captions(number), places)
    wanted = target(latents, noise, signal, bench.prediction_type)
    each = functional.mse_loss(guess.float(), wanted, reduction="none").mean((1, 2, 3))
    return (each * snr_weight(signal, bench.prediction_type, recipe.min_snr_gamma)).mean()


def _give_up(learner: Learner, emit: Emit) -> None:
    failed = learner.step
    hint = "lower learning_rate in the recipe"
    if not learner.fall_back():
        raise BackendError(f"the training loss is not finite before step {failed}", hint)
    emit(
        Noted(f"training stopped with the weights of step {learner.step}: no finite loss before step {failed}; {hint}")
    )


def _key(bench: Bench, items: Sequence[TrainItem], recipe: TrainRecipe) -> str:
    """Names the training: another base, picture, caption, weight or setting is another training."""
    facts = [(item.tags, item.weight) for item in items]
    parts = (bench.content, bench.prediction_type, facts, recipe.model_dump_json())
    return hashlib.sha256(repr(parts).encode()).hexdigest()
