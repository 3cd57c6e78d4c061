"""The training of one LoRA, from the first step to the file: reads top to bottom, knows no run and no round.

What it trains on is handed in as a `Bench`: the UNet with a fresh adapter, cached latents, and a function for text.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from bootstrap.device import autocast
from bootstrap.errors import BackendError, Interrupted
from bootstrap.events import Emit, Progress
from bootstrap.records import TrainItem
from bootstrap.training.batches import Batches
from bootstrap.training.checkpoint import load_checkpoint, save_checkpoint
from bootstrap.training.losses import noised, snr_weight, target
from bootstrap.training.recipe import TrainRecipe

__all__ = ["Bench", "learning_rate", "train_lora"]


@dataclass(frozen=True)
class Bench:
    """What a training works on. ``latents`` is (items, c, h, w); ``encode`` gives text states (n, tokens, d)."""

    unet: Any
    weights: Sequence[torch.nn.Parameter]
    latents: torch.Tensor
    encode: Callable[[Sequence[str]], torch.Tensor]
    alphas_cumprod: torch.Tensor
    prediction_type: str
    device: str


def train_lora(bench: Bench, items: Sequence[TrainItem], recipe: TrainRecipe, workdir: Path, emit: Emit) -> float:
    """Train the bench's adapter weights in place; returns the mean loss of the last tenth.

    Continues from a checkpoint of the same recipe and items. Raises BackendError when the loss is not finite; the
    weights are then those of the last checkpoint.
    """
    batches, key = Batches(items, recipe), _key(items, recipe)
    optimizer = torch.optim.AdamW(bench.weights, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    start, losses = _resume(bench, optimizer, workdir, key)
    for step in range(start, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        loss = _loss(bench, batches, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(bench.weights, recipe.max_grad_norm)
        optimizer.step()
        losses.append(loss.detach())
        keeping = (step + 1) % recipe.checkpoint_every == 0 or step + 1 == recipe.steps
        telling = step % 5 == 4 or step + 1 == recipe.steps
        if keeping or telling:
            _check(losses, bench, workdir, key, step)
        if keeping:
            _save(bench, optimizer, workdir, key, step + 1, losses)
        if telling:
            try:
                emit(Progress("training", step + 1, recipe.steps, f"loss {float(losses[-1]):.4f}"))
            except Interrupted:
                _save(bench, optimizer, workdir, key, step + 1, losses)
                raise
    tail = losses[-max(1, recipe.steps // 10) :]
    return float(torch.stack(tail).mean())


def learning_rate(recipe: TrainRecipe, step: int) -> float:
    """The rate at a step: linear warm-up, then constant, cosine, or cosine with three restarts."""
    warm = min(1.0, (step + 1) / max(1, recipe.lr_warmup_steps))
    share = step / max(1, recipe.steps)
    if recipe.lr_scheduler == "constant":
        return recipe.learning_rate * warm
    cycle = share if recipe.lr_scheduler == "cosine" else (share * 3) % 1.0
    return recipe.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * cycle))


def _loss(bench: Bench, batches: Batches, step: int) -> torch.Tensor:
    """The weighted loss of one batch; noise and timesteps depend on seed and step alone."""
    recipe = batches.recipe
    generator = torch.Generator("cpu").manual_seed(recipe.seed * 1_000_003 + step)
    latents = bench.latents[batches.places(step)]
    noise = torch.randn(latents.shape, generator=generator)
    if recipe.noise_offset:
        noise = noise + recipe.noise_offset * torch.randn((*latents.shape[:2], 1, 1), generator=generator)
    times = torch.randint(0, len(bench.alphas_cumprod), (len(latents),), generator=generator)
    signal = bench.alphas_cumprod[times].to(bench.device)
    latents, noise, times = latents.to(bench.device), noise.to(bench.device), times.to(bench.device)
    with autocast(bench.device):
        text = bench.encode(batches.captions(step))
        guess = bench.unet(noised(latents, noise, signal), times, encoder_hidden_states=text).sample
    wanted = target(latents, noise, signal, bench.prediction_type)
    each = functional.mse_loss(guess.float(), wanted, reduction="none").mean((1, 2, 3))
    return (each * snr_weight(signal, bench.prediction_type, recipe.min_snr_gamma)).mean()


def _resume(bench: Bench, optimizer: torch.optim.Optimizer, workdir: Path, key: str) -> tuple[int, list[torch.Tensor]]:
    state = load_checkpoint(workdir, key)
    if state is None:
        return 0, []
    _restore(bench, state)
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), list(state["losses"])


def _restore(bench: Bench, state: dict[str, Any]) -> None:
    with torch.no_grad():
        for weight, kept in zip(bench.weights, state["weights"], strict=True):
            weight.copy_(kept)


def _save(
    bench: Bench, optimizer: torch.optim.Optimizer, workdir: Path, key: str, step: int, losses: Sequence[torch.Tensor]
) -> None:
    state = {
        "weights": [weight.detach().cpu() for weight in bench.weights],
        "optimizer": optimizer.state_dict(),
        "losses": torch.stack(list(losses)).cpu(),
    }
    save_checkpoint(workdir, step, key, state)


def _check(losses: Sequence[torch.Tensor], bench: Bench, workdir: Path, key: str, step: int) -> None:
    """Stop where loss or weights are not finite, with the last good weights put back; one read of the device."""
    finite = [torch.isfinite(value).all().to(bench.device) for value in (torch.stack(list(losses)), *bench.weights)]
    if torch.stack(finite).all():
        return
    if (state := load_checkpoint(workdir, key)) is not None:
        _restore(bench, state)
    raise BackendError(f"the training loss is not finite before step {step + 1}", "lower learning_rate in the recipe")


def _key(items: Sequence[TrainItem], recipe: TrainRecipe) -> str:
    facts = [(Path(item.path).name, item.tags, item.weight) for item in items]
    return hashlib.sha256(repr((facts, recipe.model_dump_json())).encode()).hexdigest()
