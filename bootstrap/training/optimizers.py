"""Which optimizer a recipe means, and with which settings people train LoRAs with it. Knows no loss and no step."""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Callable, Sequence
from typing import Any

import torch

from bootstrap.training.recipe import OPTIMIZER_PACKAGES, TrainRecipe, no_package

__all__ = ["optimizer_for"]

Parameters = Sequence[torch.nn.Parameter]


def optimizer_for(recipe: TrainRecipe, weights: Parameters, text_weights: Parameters = ()) -> torch.optim.Optimizer:
    """The optimizer of the denoiser's and the text encoders' LoRA weights; each group keeps its peak rate as ``peak``.

    Raises BackendError when it lives in a package that is not installed.
    """
    groups: list[dict[str, Any]] = [{"params": list(weights), "lr": recipe.learning_rate, "peak": recipe.learning_rate}]
    if text_weights:
        groups.append({"params": list(text_weights), "lr": recipe.text_rate, "peak": recipe.text_rate})
    makers: dict[str, Callable[[], Any]] = {
        "adamw": lambda: torch.optim.AdamW(groups, weight_decay=recipe.weight_decay),
        "adamw8bit": lambda: _optional("adamw8bit").optim.AdamW8bit(groups, weight_decay=recipe.weight_decay),
        "adafactor": lambda: _adafactor(groups, recipe),
        "prodigy": lambda: _prodigy(groups, recipe),
    }
    optimizer: torch.optim.Optimizer = makers[recipe.optimizer]()
    return optimizer


def _adafactor(groups: list[dict[str, Any]], recipe: TrainRecipe) -> Any:
    """With a fixed rate: scaled by the weights' size, as elsewhere, the up weights would never leave zero."""
    from transformers.optimization import Adafactor

    return Adafactor(
        groups,
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        scale_parameter=False,
        relative_step=False,
        warmup_init=False,
    )


def _prodigy(groups: list[dict[str, Any]], recipe: TrainRecipe) -> Any:
    package = _optional("prodigy")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        return package.Prodigy(
            groups,
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            use_bias_correction=True,
            safeguard_warmup=True,
        )


def _optional(optimizer: str) -> Any:
    try:
        return importlib.import_module(OPTIMIZER_PACKAGES[optimizer])
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise no_package(optimizer, reason) from error
