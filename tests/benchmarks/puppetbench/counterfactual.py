"""The same puppet with one unnamed trait changed as far as possible: another emblem, the other end of a size.

Knows no picture and no judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bootstrap.puppets.anatomy import (
    ALL_BANGS,
    ALL_CLOTH_COLORS,
    ALL_EMBLEMS,
    ALL_MARKS,
    ALL_STRIPES,
    Puppet,
)
from bootstrap.puppets.palette import CLOTHES
from bootstrap.records import random_seed_of

CHOICES: Mapping[str, Sequence[Any]] = {
    "bangs": ALL_BANGS,
    "side": (-1, 1),
    "ahoge": (0, 1, 2),
    "clip_side": (-1, 0, 1),
    "clip_color": ALL_CLOTH_COLORS,
    "mark": ALL_MARKS,
    "mark_side": (-1, 1),
    "emblem": ALL_EMBLEMS,
    "emblem_color": ALL_CLOTH_COLORS,
    "stripes": ALL_STRIPES,
    "trim_color": ALL_CLOTH_COLORS,
    "shoe_color": ALL_CLOTH_COLORS,
}
"""Traits of a few values."""
RANGES: Mapping[str, tuple[float, float]] = {
    "head_width": (0.95, 1.09),
    "head_height": (0.87, 1.01),
    "body_width": (0.84, 1.18),
    "leg_length": (0.86, 1.10),
    "eye_size": (0.86, 1.20),
    "eye_aspect": (1.15, 1.62),
    "eye_spacing": (0.88, 1.16),
    "eye_height": (-0.07, 0.06),
    "eye_tilt": (-0.24, 0.24),
    "mouth_width": (0.75, 1.30),
    "hair_length": (0.76, 1.24),
    "hair_volume": (0.92, 1.12),
    "ear_size": (0.82, 1.22),
}
"""Sizes: the ranges that puppets are drawn from."""
TONES = ("hair_tone", "eye_tone", "skin_tone", "cloth_tone")
"""Places inside a colour's name, three numbers in 0..1."""
TRAITS = (*CHOICES, *RANGES, *TONES)


def changed(puppet: Puppet, trait: str) -> Puppet:
    """The puppet with another value of ``trait`` (one of TRAITS), all else alike, the same one every time.

    A size goes to the end of its range that is further away; a colour to one of another hue; what is not there appears.
    """
    value = getattr(puppet.unnamed, trait)
    if trait in TONES:
        other: Any = tuple(_far_end(part, 0.0, 1.0) for part in value)
    elif trait in RANGES:
        other = _far_end(value, *RANGES[trait])
    else:
        others = [one for one in CHOICES[trait] if one != value and _unlike(trait, one, value)]
        other = others[random_seed_of("counterfactual", puppet.number, trait) % len(others)]
    fields: dict[str, Any] = {trait: other}
    return replace(puppet, unnamed=replace(puppet.unnamed, **fields))


def _far_end(value: float, low: float, high: float) -> float:
    return low if value - low > high - value else high


def _unlike(trait: str, one: Any, value: Any) -> bool:
    """Colours must differ by name and by a third of the hue circle, or in how colourful they are."""
    if not trait.endswith("_color"):
        return True
    hues, spans = zip(*((sum(CLOTHES[name][0]) / 2, sum(CLOTHES[name][1]) / 2) for name in (one, value)), strict=True)
    apart = abs((hues[0] - hues[1] + 180) % 360 - 180)
    return apart >= 60 or abs(spans[0] - spans[1]) > 0.35
