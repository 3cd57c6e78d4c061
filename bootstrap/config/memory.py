"""Whether a base fits the memory of a device, and what to choose where it does not."""

from __future__ import annotations

from bootstrap.config.profiles import profiles
from bootstrap.config.run_settings import RunConfig
from bootstrap.errors import BackendError
from bootstrap.machine.inventory import Accelerator

__all__ = ["check_memory"]


def check_memory(config: RunConfig, device: Accelerator) -> None:
    """Raise BackendError, with what can be done, where a base takes more memory than the device has."""
    if config.backend == "fake" or not device.memory or config.base.memory <= device.memory:
        return
    options = [*_smaller_profile(config, device), "a smaller base (--base sd15)"]
    raise BackendError(
        f'base "{config.base.name}" takes about {config.base.memory:.0f} GB, {device.kind} has {device.memory:.1f}',
        f"choose {', '.join(options)} or a larger machine",
    )


def _smaller_profile(config: RunConfig, device: Accelerator) -> list[str]:
    """The option that takes the largest profile with which the base fits the card; none where there is no such one."""
    if device.kind == "cpu":
        return []
    fitting = []
    for name, profile in profiles().items():
        if profile.base.get("memory", config.base.memory) <= device.memory:
            fitting.append(name)
    if not fitting or fitting[-1] == config.profile:
        return []
    return [f"--profile {fitting[-1]}"]
