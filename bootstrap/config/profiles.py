"""Profiles of graphics cards (configs/machines/): how much at once, and a schedule that fits a night on such a card.

A profile replaces settings of a preset; what a person sets comes after it. Knows no model and no run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from bootstrap.config.frozen import Frozen
from bootstrap.config.merging import merged
from bootstrap.config.problems import validated
from bootstrap.config.recipes import phases_like_others
from bootstrap.config.shipped_files import read_section, shipped_names
from bootstrap.errors import ConfigError
from bootstrap.machine import inventory

__all__ = [
    "NIGHT", "Profile", "Schedule", "night_of", "profile_for", "profile_for_base", "profile_on", "profiles",
    "with_profile",
]  # fmt: skip

AUTO, NONE = "auto", "none"
NIGHT = 8 * 3600.0
"""Seconds of the night that a profile's schedule fits into."""
ROOM_SHARE = 0.94
"""A card reports a little less than is printed on it: 11.6 GiB for 12 GB."""
LARGE = 1024 * 1024
"""Pixels of the pictures of bases that need a profile; smaller ones fit wherever they load."""


class Profile(Frozen):
    """Settings for a card of so much memory, and the speeds that were published for it."""

    memory: float = Field(gt=0)
    """GB of the card."""
    seconds_a_picture: float = Field(gt=0)
    """Drawing one picture of 1024 x 1024."""
    seconds_a_sample: float = Field(gt=0)
    """Training on one picture of that size, once."""
    base: Mapping[str, Any] = Field(default_factory=dict)
    """Settings that replace those of the base's preset."""
    loop: Mapping[str, Any] = Field(default_factory=dict)
    """Settings that replace those of the loop."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a schedule takes at a profile's speeds: pictures, decoys among them, steps, seconds in all and of decoys."""

    pictures: int
    decoys: int
    steps: int
    seconds: float
    decoy_seconds: float

    @property
    def decoy_share(self) -> float:
        """Of an eight-hour night."""
        return self.decoy_seconds / NIGHT


def profiles() -> dict[str, Profile]:
    """Every shipped profile by name, the smallest card first."""
    found = {}
    for name in shipped_names("machines"):
        found[name] = validated(Profile, read_section("machines", name), name, ConfigError)
    return dict(sorted(found.items(), key=lambda one: one[1].memory))


def profile_for(memory: float) -> str:
    """The largest profile that a card of ``memory`` GiB has room for; the smallest one for cards below it."""
    found = profiles()
    fitting = [name for name, one in found.items() if one.memory * ROOM_SHARE <= memory]
    return fitting[-1] if fitting else next(iter(found))


def profile_on(device: inventory.Accelerator) -> str:
    """The profile for an accelerator's memory; "none" for a CPU, or where its memory is not known."""
    if device.kind == "cpu" or not device.memory:
        return NONE
    return profile_for(device.memory)


def with_profile(data: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    """The plain settings of a run with those of a profile over them, and its name as ``profile``.

    ``wanted`` is a profile's name, "none", or "auto": by the accelerator's memory, for bases of 1024 pixels. Raises
    ConfigError for an unknown name.
    """
    sampling, name = data["base"].get("sampling", {}), wanted
    large = sampling.get("width", 0) * sampling.get("height", 0) >= LARGE
    if wanted == AUTO:
        name = profile_on(inventory.accelerator()) if large else NONE
    if name == NONE:
        return dict(data)
    found = profiles()
    if name not in found:
        raise ConfigError(f'--profile "{name}" is unknown', f"choose one of: {', '.join([*found, AUTO, NONE])}")
    own = profile_for_base(data["base"].get("profiles", {}), name)
    base = merged(data["base"], _for_phases(own.base, data.get("subject", {}))) if large else data["base"]
    return {**data, "base": base, "loop": merged(data["loop"], own.loop), "profile": name}


def _for_phases(base: Mapping[str, Any], subject: Mapping[str, Any]) -> dict[str, Any]:
    """What a profile changes of a base, for the phases of a kind too that begin from the recipe of another phase."""
    recipes = dict(base.get("recipes", {}))
    for phase, like in phases_like_others(subject):
        if like in recipes:
            recipes.setdefault(phase, recipes[like])
    return {**base, "recipes": recipes} if recipes else dict(base)


def profile_for_base(changes: Mapping[str, Mapping[str, Any]], name: str) -> Profile:
    """A shipped profile with what a base changes of it, see `bootstrap.config.run_settings.BaseConfig.profiles`."""
    return validated(Profile, merged(profiles()[name].model_dump(), changes.get(name, {})), name, ConfigError)


def night_of(pictures: int, decoys: int, steps: int, batch: int, profile: Profile, slower: float = 1.0) -> Schedule:
    """What a run of so many ``pictures``, ``decoys`` among them, and ``steps`` of ``batch`` takes with a profile.

    ``slower``: seconds of a picture over those of one from words alone (see `bootstrap.config.estimate`).
    """
    a_picture = profile.seconds_a_picture * slower
    seconds = pictures * a_picture + steps * batch * profile.seconds_a_sample
    return Schedule(pictures, decoys, steps, seconds, math.ceil(decoys) * a_picture)
