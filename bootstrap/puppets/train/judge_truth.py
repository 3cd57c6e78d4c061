"""The labels that the judge is trained on: one class on every axis of a picture, "none" included.

Finer than captions: a coloured garment has two axes, and an axis counts only where the drawing can show it. Does NOT
know any model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import anatomy, captions, scene
from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.scene import PuppetShot

NOTHING = -100
"""The label of an axis that the picture cannot show; `cross_entropy` ignores it."""

AXES: Mapping[str, tuple[str, ...]] = {
    "view_family": scene.ALL_VIEW_FAMILIES,
    "facing": ("facing left", "facing right"),
    "framing": scene.ALL_FRAMINGS,
    "background": scene.ALL_BACKGROUNDS,
    "style": scene.ALL_STYLES,
    "pose": scene.ALL_POSES,
    "expression": scene.ALL_EXPRESSIONS,
    "hair_color": anatomy.ALL_HAIR_COLORS,
    "hair_style": anatomy.ALL_HAIR_STYLES,
    "eye_color": anatomy.ALL_EYE_COLORS,
    "ears": anatomy.ALL_EARS,
    "hat": ("", *anatomy.ALL_HATS),
    "hat_color": anatomy.ALL_CLOTH_COLORS,
    "accessory": ("", *anatomy.ALL_ACCESSORIES),
    "accessory_color": anatomy.ALL_CLOTH_COLORS,
    "skin": anatomy.ALL_SKINS,
    "tail": anatomy.ALL_TAILS,
    "top": (*anatomy.ALL_TOPS, anatomy.DRESS),
    "top_color": anatomy.ALL_CLOTH_COLORS,
    "bottom": ("", *anatomy.ALL_BOTTOMS),
    "bottom_color": anatomy.ALL_CLOTH_COLORS,
}
"""Axis -> its answers; '' means that the puppet has none."""

WHOLE_ONLY = frozenset({"view_family", "facing", "framing", "background", "style", "pose"})
"""Axes read from the whole picture alone: the head crop depends on the framing that is read here."""

_COLORS = frozenset(axis for axis in AXES if axis.endswith("_color")) | {"skin"}
_LOW_FRAMINGS = ("upper body", "full body")


def labels(specs: Sequence[tuple[Puppet, PuppetShot]]) -> NDArray[np.int64]:
    """Index of the true answer on every axis in the order of `AXES`, (N, axes); NOTHING where it cannot be seen."""
    rows = []
    for puppet, shot in specs:
        rows.append([_label(axis, puppet, shot) for axis in AXES])
    return np.array(rows, dtype=np.int64)


def _label(axis: str, puppet: Puppet, shot: PuppetShot) -> int:
    if axis in _COLORS and shot.style == "monochrome":
        return NOTHING
    answer = _answer(axis, puppet, shot)
    if answer is None:
        return NOTHING
    return AXES[axis].index(answer)


def _answer(axis: str, puppet: Puppet, shot: PuppetShot) -> str | None:
    """The true answer, or None where the picture does not show it."""
    named, outfit = puppet.named, puppet.named.outfits[shot.outfit]
    match axis:
        case "view_family" | "framing" | "background" | "style" | "pose" | "expression" | "eye_color" | "tail":
            return _guarded(axis, puppet, shot)
        case "facing":
            return _facing(shot)
        case "hat" | "accessory":
            kind: str = getattr(named, axis).split(" ", 1)[-1]
            if kind == "glasses" and shot.view_family == "behind":
                return None
            return kind
        case "hat_color" | "accessory_color":
            color, space, _ = getattr(named, axis.removesuffix("_color")).partition(" ")
            return color if space else None
        case "top" | "top_color":
            return str(getattr(outfit, axis))
        case "bottom" | "bottom_color" if shot.framing not in _LOW_FRAMINGS:
            return None
        case "bottom":
            return outfit.bottom
        case "bottom_color":
            return outfit.bottom_color or None
        case _:
            return str(getattr(named, axis))


def _facing(shot: PuppetShot) -> str | None:
    """The side that a turned puppet faces."""
    if shot.view_family not in ("three-quarter", "profile"):
        return None
    if shot.yaw > 0:
        return "facing right"
    return "facing left"


def _guarded(axis: str, puppet: Puppet, shot: PuppetShot) -> str | None:
    """The answer on an axis that is hidden where `captions.is_seen` says so."""
    answer: str = getattr(shot, axis, None) or getattr(puppet.named, axis)
    if axis in ("pose", "expression", "eye_color", "tail") and not captions.is_seen(axis, answer, shot):
        return None
    return answer
