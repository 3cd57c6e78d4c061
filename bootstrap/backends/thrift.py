"""Memory against time while a model trains: activations computed twice, and parts that rest outside the device.

Whatever is changed is put back. Knows no loss and no prompt.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from bootstrap.training.recipe import TrainRecipe

__all__ = ["checkpointing", "resting", "suspended"]

FLAG = "gradient_checkpointing"
"""What diffusers' blocks call their own switch."""


@contextlib.contextmanager
def checkpointing(unet: Any, recipe: TrainRecipe) -> Iterator[None]:
    """Activations computed twice for as long as a training that wants it lasts, in every n-th block that can."""
    if recipe.gradient_checkpointing:
        unet.enable_gradient_checkpointing()
        for number, block in enumerate(_switched_on(unet)):
            setattr(block, FLAG, number % recipe.gradient_checkpointing_interval == 0)
    try:
        yield
    finally:
        unet.disable_gradient_checkpointing()


@contextlib.contextmanager
def suspended(unet: Any) -> Iterator[None]:
    """No activation computed twice, as while drawing; then as it was."""
    blocks = _switched_on(unet)
    for block in blocks:
        setattr(block, FLAG, False)
    try:
        yield
    finally:
        for block in blocks:
            setattr(block, FLAG, True)


@contextlib.contextmanager
def resting(parts: Sequence[Any], device: str, *, at: str = "cpu") -> Iterator[None]:
    """Models that a training does not need, out of the device's memory (or, ``at`` the device, back in it)."""
    _move(parts, at)
    try:
        yield
    finally:
        _move(parts, device if at == "cpu" else "cpu")


def _switched_on(unet: Any) -> list[Any]:
    return [module for module in unet.modules() if getattr(module, FLAG, False) is True]


def _move(parts: Sequence[Any], device: str) -> None:
    for part in parts:
        part.to(device)
    if parts and torch.cuda.is_available():
        torch.cuda.empty_cache()
