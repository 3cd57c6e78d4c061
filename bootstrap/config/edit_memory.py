"""What an edit drawer takes of a device's memory, stage by stage, and of the main memory; what makes it fit.

``edit_memory.json`` beside this file holds the counts of the real models on fake tensors, written by
``tests/benchmarks/edit_memory.py``: MiB in each stage for one picture of 1024 x 1024 in bfloat16.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bootstrap.backends.bases import weights_in
from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.backends.outside.edit_files import bytes_of_parts, find_edit_files
from bootstrap.backends.outside.edit_settings import EditSettings
from bootstrap.backends.sampling import BYTES_A_WEIGHT
from bootstrap.config.card_memory import CONTEXT
from bootstrap.config.run_settings import RunConfig
from bootstrap.config.shipped_files import embedded
from bootstrap.errors import BackendError
from bootstrap.machine.inventory import Accelerator, memory

__all__ = ["check_edit_memory", "edit_stages"]

COUNTS = Path(__file__).with_suffix(".json")
MIB, GIB = 1 << 20, 1 << 30
SIDE = 1024
LARGE = GIB
"""Bytes of weights below which a model is none of the counted size: a small one made for a test."""
SMALLER: tuple[Mapping[str, object], ...] = (
    {"offload": "text"}, {"offload": "blocks"}, {"offload": "blocks", "most": 1},
)  # fmt: skip
"""Settings that take less memory, the quickest first."""


def edit_stages(drawer: DrawerSettings | None, device: Accelerator) -> dict[str, float]:
    """Peak GiB of the stages of an edit drawer, without `CONTEXT`; {} for another drawer, or one of unknown size.

    While one is at work on a card, the base is in main memory.
    """
    if not isinstance(drawer, EditSettings):
        return {}
    parts, counts = _parts(drawer, device), _counts()[drawer.pipeline]
    if not parts:
        return {}
    on_card, in_blocks = device.kind == "cuda", drawer.offload == "blocks" and device.kind == "cuda"
    drawing = parts["transformer"] + parts["vae"]
    if in_blocks:  # one computes, the next one is loaded
        weights = counts["outside blocks"] + 2 * counts["block"]
        drawing -= parts["transformer"] * (1 - weights / counts["weights"]["transformer"])
    pixels = drawer.width * drawer.height / SIDE**2
    coding = counts["tiles" if in_blocks else "whole"]
    activations = {
        "read": counts["read"],
        "encode": coding["encode"],
        "draw": counts["draw 0"] * pixels + drawer.most * (counts["draw 1"] - counts["draw 0"]),
        "decode": coding["decode"] * (1 if in_blocks else pixels),
    }
    resident = sum(parts.values()) if drawer.offload == "none" or not on_card else 0
    found = {}
    for stage, mebibytes in activations.items():
        loaded = resident or (parts["text_encoder"] if stage == "read" else drawing)
        found[f"drawer {stage}"] = (loaded + mebibytes * MIB * _size(drawer, device) / 2) / GIB
    return found


def check_edit_memory(config: RunConfig, device: Accelerator) -> None:
    """Raise BackendError, with what can be done, where the edit drawers of a run take more memory than there is."""
    drawers = [one for one in config.drawers if isinstance(one, EditSettings) and _parts(one, device)]
    for drawer in drawers:
        _check_card(drawer, device)
    if drawers:
        _check_main_memory(config, drawers, device)


def _check_card(drawer: EditSettings, device: Accelerator) -> None:
    stages = edit_stages(drawer, device)
    if device.kind == "cuda" and 0 < device.memory < max(stages.values()) + CONTEXT:
        largest = max(stages, key=lambda stage: stages[stage])
        needed, stage = stages[largest] + CONTEXT, largest.removeprefix("drawer ")
        problem = f'drawer "{drawer.name}" takes {needed:.1f} GB to {stage}, {device.kind} has {device.memory:.1f}'
        options = ", ".join([*_options(drawer, device), *_smaller([drawer])])
        raise BackendError(problem, f"choose {options} or a larger machine")


def _check_main_memory(config: RunConfig, drawers: Sequence[EditSettings], device: Accelerator) -> None:
    """The base and the weights of every drawer at rest; without a card also what the one that draws computes with."""
    at_rest = [sum(_parts(drawer, device).values()) / GIB for drawer in drawers]
    computing = 0.0
    if device.kind != "cuda":
        peaks = [max(edit_stages(drawer, device).values()) for drawer in drawers]
        computing = max(peak - weights for peak, weights in zip(peaks, at_rest, strict=True))
    needed, there = sum(at_rest) + computing + _base_weights(config, device), memory()
    if not 0 < there < needed:
        return
    names = ", ".join(f'"{drawer.name}"' for drawer in drawers)
    kind, others = "drawer", _smaller(drawers)
    if len(drawers) > 1:
        kind, others = "drawers", [f"one drawer (--drawer {drawers[0].name})", *others]
    problem = f'{kind} {names} and base "{config.base.name}" take {needed:.1f} GB of main memory'
    raise BackendError(f"{problem}, there is {there:.1f}", f"choose {', '.join(others)} or a larger machine")


def _smaller(drawers: Sequence[EditSettings]) -> list[str]:
    """What takes less memory in place of these drawers."""
    found = ["weights that are quantised", "a smaller drawer (--drawer klein)"]
    if any(drawer.pipeline == "Flux2KleinPipeline" for drawer in drawers):
        found.pop()
    return found


def _options(drawer: EditSettings, device: Accelerator) -> list[str]:
    """The first settings with which a drawer fits, as options of the command line; [] where none do."""
    for changes in SMALLER:
        changed = {name: value for name, value in changes.items() if getattr(drawer, name) != value}
        stages = edit_stages(drawer.model_copy(update=changed), device)
        if changed and max(stages.values()) + CONTEXT <= device.memory:
            return [" ".join(f"--set drawer.{name}={value}" for name, value in changed.items())]
    return []


def _parts(drawer: EditSettings, device: Accelerator) -> dict[str, int]:
    """Part → bytes of its weights, of the published model where it is not here; {} for one made small for a test."""
    size = _size(drawer, device)
    try:
        found = bytes_of_parts(find_edit_files(drawer).folder, size)
    except BackendError:  # a drawer that cannot be used is a problem already
        found = {part: size * count for part, count in _counts()[drawer.pipeline]["weights"].items()}
    return found if sum(found.values()) > LARGE else {}


def _size(drawer: EditSettings, device: Accelerator) -> int:
    """Bytes of a weight."""
    return 2 if drawer.dtype in ("bfloat16", "float16") or (drawer.dtype == "auto" and device.kind != "cpu") else 4


def _base_weights(config: RunConfig, device: Accelerator) -> float:
    """GiB of the base's weights; 0 for a base that is not here."""
    size = BYTES_A_WEIGHT.get(config.base.sampling.quantise, 4.0 if device.kind == "cpu" else 2.0)
    with contextlib.suppress(BackendError):
        return weights_in(embedded(config.base.path)) * size / GIB
    return 0.0


@cache
def _counts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(COUNTS.read_text(encoding="utf-8"))
    return found
