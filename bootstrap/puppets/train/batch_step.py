"""One step of a training: the gradients of a batch, in equal parts if memory does not hold the whole, and the update.

Does NOT know what is trained.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from bootstrap.errors import OutOfMemoryError
from bootstrap.machine.device import reporting_memory

log = logging.getLogger(__name__)

BatchLosses = Callable[[nn.Module, np.random.Generator], dict[str, Tensor]]
"""Draws a batch and returns its losses by name; their sum is minimised."""

_LONGEST_GRADIENT = 2.0


@runtime_checkable
class DivisibleLosses(Protocol):
    """Losses of a batch that can be computed part by part."""

    batch: int

    def in_parts(self, model: nn.Module, rng: np.random.Generator, parts: int) -> Iterator[dict[str, Tensor]]:
        """Draw a batch and yield the losses of each of its `parts`; they sum to those of the whole batch."""


class BatchStep:
    """Takes the steps of one training and remembers in how many parts a batch fits in memory."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, batch_losses: BatchLosses | DivisibleLosses
    ) -> None:
        self.parts = 1
        self._model, self._optimizer, self._losses = model, optimizer, batch_losses

    def __call__(self, random: Sequence[int]) -> dict[str, Tensor]:
        """Draw the batch of the random numbers `random`, update the model, and return the losses by name.

        Raises:
            OutOfMemoryError: not even a part of one sample fits, or the losses cannot be divided.
        """
        while (losses := self._gradients(random)) is None:
            self.parts *= 2
            log.info("memory does not hold the batch; it is computed in %d parts", self.parts)
        nn.utils.clip_grad_norm_(self._model.parameters(), _LONGEST_GRADIENT)
        self._optimizer.step()
        return losses

    def _gradients(self, random: Sequence[int]) -> dict[str, Tensor] | None:
        """The losses, with their gradients in place; None if a part did not fit and can be halved."""
        self._model.train()
        self._optimizer.zero_grad()
        rng = np.random.default_rng(random)
        torch.manual_seed(int(rng.integers(2**62)))
        total: dict[str, Tensor] = {}
        try:
            with reporting_memory("lower --batch, or --pictures if they lie on the device"):
                for losses in self._parts(rng):
                    torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
                    for name, value in losses.items():
                        total[name] = total.get(name, 0) + value.detach()
        except OutOfMemoryError:
            if not isinstance(self._losses, DivisibleLosses) or 2 * self.parts > self._losses.batch:
                raise
            return None
        return total

    def _parts(self, rng: np.random.Generator) -> Iterator[dict[str, Tensor]]:
        if isinstance(self._losses, DivisibleLosses):
            yield from self._losses.in_parts(self._model, rng, self.parts)
        else:
            yield self._losses(self._model, rng)
