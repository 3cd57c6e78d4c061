"""Memory against time while a model trains: activations computed twice, and parts offloaded to main memory.

Whatever is changed is put back. Knows no loss and no prompt.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from accelerate.utils.memory import clear_device_cache

from bootstrap.training.recipe import TrainRecipe

__all__ = ["checkpointing", "moved", "without_checkpointing"]

FLAG = "gradient_checkpointing"
"""The attribute by which diffusers' blocks switch it on."""


@contextlib.contextmanager
def checkpointing(denoiser: Any, recipe: TrainRecipe) -> Iterator[None]:
    """Gradient checkpointing during a training that asks for it, in every n-th block that can."""
    if recipe.gradient_checkpointing:
        denoiser.enable_gradient_checkpointing()
        for number, block in enumerate(_checkpointed(denoiser)):
            setattr(block, FLAG, number % recipe.gradient_checkpointing_interval == 0)
    try:
        yield
    finally:
        denoiser.disable_gradient_checkpointing()


@contextlib.contextmanager
def without_checkpointing(denoiser: Any) -> Iterator[None]:
    """No gradient checkpointing, for drawing; then as before."""
    blocks = _checkpointed(denoiser)
    for block in blocks:
        setattr(block, FLAG, False)
    try:
        yield
    finally:
        for block in blocks:
            setattr(block, FLAG, True)


@contextlib.contextmanager
def moved(parts: Sequence[Any], device: str, back: str) -> Iterator[None]:
    """Models on another device for a while: offloaded to main memory, or loaded from there."""
    _move(parts, device)
    try:
        yield
    finally:
        _move(parts, back)


def _checkpointed(denoiser: Any) -> list[Any]:
    return [module for module in denoiser.modules() if getattr(module, FLAG, False) is True]


def _move(parts: Sequence[Any], device: str) -> None:
    for part in parts:
        part.to(device)
    if parts:
        clear_device_cache()
