"""Whether a run fits the memory of a device, stage by stage, and which options make it fit."""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap.backends.bases import check_base, weights_in
from bootstrap.config.card_memory import CONTEXT, Room, counted_weights, stage_memory
from bootstrap.config.edit_memory import check_edit_memory, edit_stages
from bootstrap.config.merging import merged, override
from bootstrap.config.profiles import profile_for_base, profiles
from bootstrap.config.run_settings import BaseConfig, RunConfig
from bootstrap.config.shipped_files import embedded
from bootstrap.errors import BackendError
from bootstrap.machine.inventory import Accelerator

__all__ = ["check_memory", "memory_of_stages", "peak_of", "room_of"]

FULL_SIZE = 0.5
"""Share of the weights of an architecture's real model from which a base is taken for one of that size."""


def memory_of_stages(config: RunConfig, device: Accelerator) -> dict[str, float]:
    """Peak GiB of each stage, the panel's included, and of those of an edit drawer.

    Without the base's for one that is not here, or not of a size that was counted. See `bootstrap.config.card_memory`.
    """
    found = dict(_stages_of_base(config, device))
    for drawer in config.drawers:
        for stage, taken in edit_stages(drawer, device).items():
            found[stage] = max(taken, found.get(stage, 0.0))
    return found


def _stages_of_base(config: RunConfig, device: Accelerator) -> dict[str, float]:
    architecture = "" if config.backend == "fake" else _architecture(config)
    return stage_memory(config.base, architecture, room_of(config.base, device)) if architecture else {}


def room_of(base: BaseConfig, device: Accelerator) -> Room:
    """How a device holds this base: in two bytes a weight on CUDA, unless float32 is asked for, else in four."""
    half = base.sampling.dtype in ("bfloat16", "float16") or (base.sampling.dtype == "auto" and device.kind == "cuda")
    return Room(2 if half else 4, device.kind != "cpu")


def peak_of(base: BaseConfig, architecture: str, device: Accelerator) -> float:
    """GiB that a device needs for the largest stage, CUDA's own included."""
    return max(stage_memory(base, architecture, room_of(base, device)).values()) + CONTEXT


def check_memory(config: RunConfig, device: Accelerator) -> None:
    """Raise BackendError, with what can be done, where a run takes more memory than the device has."""
    check_edit_memory(config, device)
    if config.backend == "fake" or not device.memory:
        return
    stages = _stages_of_base(config, device)
    if not stages:
        _check_stated(config, device)
        return
    largest = max(stages, key=lambda stage: stages[stage])
    if stages[largest] + CONTEXT <= device.memory:
        return
    options = _options(config.base, _architecture(config), device)
    raise BackendError(
        f'base "{config.base.name}" takes {stages[largest] + CONTEXT:.1f} GB to {largest}, '
        f"{device.kind} has {device.memory:.1f}",
        f"choose {', '.join([*options, 'a smaller base (--base sd15)'])} or a larger machine",
    )


def _check_stated(config: RunConfig, device: Accelerator) -> None:
    """The same for a base whose size is known from its preset alone."""
    if config.base.memory <= device.memory:
        return
    fitting = []
    for name in profiles():
        profile = profile_for_base(config.base.profiles, name)
        if device.kind != "cpu" and profile.base.get("memory", config.base.memory) <= device.memory:
            fitting = [f"--profile {name}"]
    if fitting == [f"--profile {config.profile}"]:
        fitting = []
    raise BackendError(
        f'base "{config.base.name}" takes about {config.base.memory:g} GB, {device.kind} has {device.memory:.1f}',
        f"choose {', '.join([*fitting, 'a smaller base (--base sd15)'])} or a larger machine",
    )


def _architecture(config: RunConfig) -> str:
    """The architecture of a base of full size that was counted; "" for any other."""
    path = embedded(config.base.path)
    try:
        name = check_base(path).name
        weights = weights_in(path)
    except BackendError:
        return ""
    return name if weights > FULL_SIZE * counted_weights(name) > 0 else ""


def _options(base: BaseConfig, architecture: str, device: Accelerator) -> list[str]:
    """The largest profile with which the run fits, the fewest settings, and what could be left out instead."""
    found = []
    for name in profiles():
        profile = profile_for_base(base.profiles, name)
        smaller = BaseConfig.model_validate(merged(base.model_dump(), profile.base))
        if device.kind != "cpu" and peak_of(smaller, architecture, device) <= device.memory:
            found = [f"--profile {name}"]
    found += _fewest(base, architecture, device)
    present = [name for name in ("reference", "control") if getattr(base, name) is not None]
    for name in present:
        if peak_of(base.model_copy(update={name: None}), architecture, device) <= device.memory:
            found.append(f"--{name} none")
    if found or not present:
        return found
    by_words = base.model_copy(update=dict.fromkeys(present))
    without = " ".join(f"--{name} none" for name in present)
    if peak_of(by_words, architecture, device) <= device.memory:
        return [without]
    return [f"{without} with {one}" for one in _options(by_words, architecture, device)]


def _fewest(base: BaseConfig, architecture: str, device: Accelerator) -> list[str]:
    """The fewest settings with which a base fits, as options of the command line; [] where none do."""
    wanted = ["base.sampling.offload=true", "base.sampling.batch_size=1"]
    for phase in base.recipes:
        wanted += [f"base.recipes.{phase}.{text}" for text in ("gradient_checkpointing=true", "batch_size=1")]
    if device.kind == "cuda":
        wanted.append("base.sampling.dtype=auto")
    if not _fits(base, wanted, architecture, device):
        return []
    for text in wanted[::-1]:
        fewer = [other for other in wanted if other != text]
        if _fits(base, fewer, architecture, device):
            wanted = fewer
    return [" ".join(f"--set {text}" for text in wanted)]


def _fits(base: BaseConfig, overrides: Sequence[str], architecture: str, device: Accelerator) -> bool:
    """Whether a base with other settings fits."""
    data = {"base": base.model_dump()}
    for text in overrides:
        override(data, text)
    return peak_of(BaseConfig.model_validate(data["base"]), architecture, device) <= device.memory
