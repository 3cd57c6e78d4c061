"""The state around a training's own loss: clock and schedule, averaged weights, checkpoint files, the CSV log.

Does NOT know any model or any data.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterable, Mapping
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bootstrap.machine import device


def pick_device(name: str, threads: int) -> torch.device:
    """The device called `name`, "auto" for the fastest. On a CPU, use `threads` threads; on CUDA, TF32 for float32.

    Raises BackendError if this machine has no such device.
    """
    kind = device.pick_device(name)
    if kind == "cpu":
        torch.set_num_threads(threads)
    if kind == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True  # every batch has the same shapes
    return torch.device(kind)


class TrainingClock:
    """Measures a training by time, not steps: on a busy machine it takes fewer steps and keeps its whole schedule."""

    def __init__(self, minutes: float, steps: int | None = None) -> None:
        """A schedule of `minutes`; it ends after `steps` steps if that comes first."""
        self.seconds = minutes * 60
        self.steps = steps
        self.spent = 0.0
        self.step = 0
        self._last = time.monotonic()

    def tick(self) -> None:
        """Count one step and the time since the last one."""
        now = time.monotonic()
        self.spent += now - self._last
        self._last = now
        self.step += 1

    def pause(self) -> None:
        """Do not count the time since the last step (samples, exports)."""
        self._last = time.monotonic()

    @property
    def progress(self) -> float:
        """Share of the schedule that is over, 0 to 1."""
        by_steps = 0.0
        if self.steps:
            by_steps = self.step / self.steps
        return min(max(self.spent / self.seconds, by_steps), 1.0)

    @property
    def done(self) -> bool:
        """Whether the schedule is over."""
        return self.progress >= 1.0

    def state(self) -> dict[str, float]:
        """The state that `restore` takes."""
        return {"spent": self.spent, "step": self.step}

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on from `state`."""
        self.spent, self.step = state["spent"], int(state["step"])
        self.pause()


class Timer:
    """True once per `seconds` of wall time, for the first time after that long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._last = time.monotonic()

    def __call__(self) -> bool:
        """Whether the time is over; if so, it starts again."""
        if time.monotonic() - self._last < self.seconds:
            return False
        self._last = time.monotonic()
        return True


def cosine(progress: float, warmup: float = 0.02, floor: float = 0.01) -> float:
    """Learning-rate factor: linear from 0 over the share `warmup`, then half a cosine down to `floor`."""
    if progress < warmup:
        return max(progress / warmup, 0.01)
    rest = (progress - warmup) / (1 - warmup)
    return floor + (1 - floor) * 0.5 * (1 + cos(pi * min(rest, 1.0)))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


class Ema:
    """Exponential moving average of a model's parameters and buffers, with a warm-up of the decay."""

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        """Start from the model as it is."""
        self.decay = decay
        self.updates = 0
        self.shadow = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move towards the model; faster in the beginning, so that the random start has little weight."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        live = model.state_dict()
        floats = [name for name, value in self.shadow.items() if value.is_floating_point()]
        shadows, values = [self.shadow[name] for name in floats], [live[name].detach() for name in floats]
        torch._foreach_lerp_(shadows, values, 1 - decay)
        for name in self.shadow.keys() - set(floats):
            self.shadow[name].copy_(live[name])

    def state(self) -> dict[str, Any]:
        """The state that `restore` takes."""
        return {"shadow": self.shadow, "updates": self.updates}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.updates = state["updates"]
        for name, value in state["shadow"].items():
            self.shadow[name].copy_(value)


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state` so that an interruption leaves the old file or the new one, never a partial one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    torch.save(dict(state), draft)
    draft.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The saved state, or None if there is none."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Add one line to a CSV log, with a header if it is the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters of a model."""
    return sum(parameter.numel() for parameter in model.parameters())


def mean(values: Iterable[Tensor]) -> float:
    """Mean of scalar tensors."""
    return float(torch.stack([value.detach().float() for value in values]).mean())
