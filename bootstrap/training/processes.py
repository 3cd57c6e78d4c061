"""The processes that train one LoRA together: each computes some passes of every step, and gradients are added up.

So a step is the same as in one process, up to the order in which numbers are added. Communication is accelerate's, by
gloo over the network also between graphics cards: a LoRA's gradients are small. Knows no pass and no weight.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a worker that only draws on the fake backend begins without it
    import torch

__all__ = ["ALONE", "Meeting", "Processes", "joined_processes"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where processes meet: this one's ``number`` of ``count``, and the address and port of number 0."""

    number: int
    count: int
    address: str
    port: int


class Processes:
    """``count`` processes that train together, of which this is ``number``; without an ``accelerator`` one alone."""

    def __init__(self, number: int = 0, count: int = 1, accelerator: Any = None) -> None:
        self.number, self.count, self._accelerator = number, count, accelerator

    def mine(self, part: int) -> bool:
        """Whether this process computes the pass of that number within a step."""
        return part % self.count == self.number

    def add_up(self, loss: torch.Tensor, weights: Sequence[torch.nn.Parameter]) -> torch.Tensor:
        """The sum of all processes' losses; the weights' gradients become the sums of all processes' gradients."""
        if self._accelerator is None:
            return loss
        import torch

        for weight in weights:
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            weight.grad = self._accelerator.reduce(gradient, reduction="sum")
        total: torch.Tensor = self._accelerator.reduce(loss, reduction="sum")
        return total


ALONE = Processes()


@contextlib.contextmanager
def joined_processes(meeting: Meeting) -> Iterator[Processes]:
    """The processes that meet there, for a block, once all have come. Raises RuntimeError where one is lost."""
    import torch
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    told = {
        "RANK": meeting.number, "LOCAL_RANK": meeting.number, "WORLD_SIZE": meeting.count,
        "LOCAL_WORLD_SIZE": meeting.count, "MASTER_ADDR": meeting.address, "MASTER_PORT": meeting.port,
        "OMP_NUM_THREADS": torch.get_num_threads(),
    }  # fmt: skip
    before = {name: os.environ.get(name) for name in told}
    os.environ.update({name: str(value) for name, value in told.items()})
    try:
        yield Processes(meeting.number, meeting.count, Accelerator(cpu=True))
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
