"""What a run will cost, known before a model is loaded.

Pictures and steps follow from the configuration; seconds from the size of the UNet and a short multiplication on the
machine, and are rough. Knows no run directory, and reads no weights but their headers.
"""

from __future__ import annotations

import json
import math
import struct
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bootstrap.config.loop import LoopConfig
from bootstrap.config.profiles import profiles
from bootstrap.config.run import RunConfig
from bootstrap.errors import BackendError
from bootstrap.machine.inventory import Accelerator

__all__ = [
    "Cost", "check_memory", "cost_of", "decoys_of", "duration", "flops_of", "parameters_in", "rounds_expected",
    "rounds_that_fit",
]  # fmt: skip

REDRAWN = 4.0
"""Candidates of a whole run over those of one wave for every place, as the embedded base has it."""
SHARED_DECOYS = 1.2
"""Decoys drawn over those asked for at first: some fail the checks and are replaced."""
CUTS = 5
"""Training pictures a seed gives at most: whole, tighter crops, a greyscale copy."""
OPERATIONS = 0.17
"""Operations of a UNet for each weight and latent pixel: 0.19 in Stable Diffusion 1.5, 0.14 in SDXL."""
BACKWARD = 6.0
"""A training sample over a forward pass: twice what the arithmetic says, as measured on the embedded base."""
EFFICIENCY = 0.35
"""Share of a large matrix product's speed that a UNet reaches."""
SCORED = 1.1
"""Everything over drawing and training: scoring, choosing, writing."""
GIB = 1 << 30
BYTES_A_PIXEL = 2.5
"""Of a PNG."""
ADAPTER_SHARE = 0.2
"""An adapter with its checkpoint and optimiser state over the UNet's float32 weights, at rank 16."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run takes, roughly: pictures drawn, optimiser steps, seconds (0.0: not known), GiB on the disk."""

    pictures: int
    steps: int
    seconds: float
    disk: float


def rounds_expected(loop: LoopConfig) -> int:
    """Rounds when every goal is reached at the first try."""
    return min(loop.rounds, sum(goal < loop.target for goal in loop.goals) + 1)


def cost_of(config: RunConfig, seeds: int, parameters: int, speed: float) -> Cost:
    """The cost of a run from ``seeds`` pictures with a UNet of that many ``parameters`` at ``speed`` FLOP/s."""
    pictures, steps = _pictures(config), _steps(config, seeds)
    sampling, recipe = config.base.sampling, config.finishing_recipe
    guided = 2 if sampling.guidance_scale > 1 else 1
    samples = sum(count * BACKWARD for count in steps) * recipe.batch_size * recipe.gradient_accumulation_steps
    pixels = sampling.width * sampling.height
    passes = pictures * sampling.steps * guided + samples
    seconds = passes * OPERATIONS * parameters * (pixels / 64) * SCORED / speed if speed else 0.0
    adapters = len(steps) * parameters * 4 * ADAPTER_SHARE * recipe.rank / 16
    return Cost(pictures, sum(steps), seconds, (pictures * pixels * BYTES_A_PIXEL + adapters) / GIB)


def rounds_that_fit(config: RunConfig, seeds: int, parameters: int, speed: float, seconds: float) -> int:
    """How many rounds, with the finished LoRA after them, ``seconds`` are enough for; 0 where not even one is."""
    for rounds in range(rounds_expected(config.loop), 0, -1):
        fewer = config.model_copy(update={"loop": config.loop.model_copy(update={"rounds": rounds})})
        if cost_of(fewer, seeds, parameters, speed).seconds <= seconds:
            return rounds
    return 0


def _pictures(config: RunConfig) -> int:
    """Candidates and decoys of both kinds."""
    loop = config.loop
    return math.ceil(loop.target * loop.candidates_a_place * REDRAWN + _decoys(config))


def _decoys(config: RunConfig) -> float:
    loop = config.loop
    exchanged = 0 if loop.calibrate_on == "lookalikes" else loop.exchanged
    decoys = loop.lookalikes + exchanged * rounds_expected(loop)
    return len(config.views.families) * decoys * SHARED_DECOYS


def decoys_of(config: RunConfig) -> int:
    """Pictures of a run that only calibrate the gate."""
    return math.ceil(_decoys(config))


def check_memory(config: RunConfig, device: Accelerator) -> None:
    """Raise BackendError, with what can be done, where a base takes more memory than the device has."""
    needed = 0.0 if config.backend == "fake" else config.base.memory
    if not 0 < device.memory < needed:
        return
    smaller = [name for name, one in profiles().items() if one.base.get("memory", needed) <= device.memory]
    options = [f"--profile {smaller[-1]}"] if smaller and device.kind != "cpu" and config.profile != smaller[-1] else []
    raise BackendError(
        f'base "{config.base.name}" takes about {needed:.0f} GB, {device.kind} has {device.memory:.1f}',
        f"choose {', '.join([*options, 'a smaller base (--base sd15)'])} or a larger machine",
    )


def _steps(config: RunConfig, seeds: int) -> list[int]:
    """Optimiser steps of each training, the finished LoRA's among them."""
    base, loop = config.base, config.loop
    before = [0, *(goal for goal in loop.goals if goal < loop.target)][: rounds_expected(loop)]
    sizes = [("style", count) for count in before[:-1]] + [("character", before[-1]), ("character", loop.target)]
    caps = {"style": base.recipes["style"].steps, "character": base.recipes["character"].steps}
    return [
        min(caps[phase], max(base.minimum_steps, round(base.steps_per_picture * (count + seeds * CUTS))))
        for phase, count in sizes
    ]


def parameters_in(folder: Path) -> int:
    """Weights in a model's folder, counted from the headers of its safetensors files; guessed from other files."""
    counts = [_counted(path) for path in folder.glob("*.safetensors")]
    return max(counts) if counts else sum(path.stat().st_size for path in folder.glob("*.bin")) // 4


def _counted(path: Path) -> int:
    """Weights in one safetensors file; 0 when its header cannot be read."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return 0


def flops_of(kind: str) -> float:
    """FLOP/s that a UNet reaches on a device ("cuda", "mps" or "cpu"), from a product of two matrices just now."""
    side, times = (1024, 3) if kind == "cpu" else (4096, 20)
    if kind == "cpu":
        return EFFICIENCY * 2 * side**3 / min(_product_seconds(side) for _ in range(times))
    import torch

    matrix = torch.ones((side, side), dtype=torch.float16, device=kind)
    matrix.matmul(matrix).sum().item()
    began = time.perf_counter()
    for _ in range(times):
        product = matrix.matmul(matrix)
    product.sum().item()
    return EFFICIENCY * 2 * side**3 * times / (time.perf_counter() - began)


def _product_seconds(side: int) -> float:
    matrix = np.ones((side, side), np.float32)
    began = time.perf_counter()
    np.matmul(matrix, matrix)
    return time.perf_counter() - began


def duration(seconds: float) -> str:
    """Seconds as a person says them: "10 minutes", "3 hours"."""
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 1.5 * length:
            return f"{round(seconds / length)} {name}s"
    return "1 minute" if seconds > 20 else "less than a minute"
