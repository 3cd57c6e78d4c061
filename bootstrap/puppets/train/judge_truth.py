"""What the judge must answer: one choice on every axis of a picture, "none" included. Does NOT know any model.

Finer than captions: a coloured garment is two axes, and an axis counts only where the drawing can show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bootstrap.puppets import anatomy, captions, scene
from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.scene import PuppetShot

NOTHING = -100
"""The label of an axis that the picture cannot show; what `cross_entropy` ignores."""

AXES: Mapping[str, tuple[str, ...]] = {
    "view_family": scene.ALL_FAMILIES,
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
"""Axis -> its answers; '' means that she has none."""

WHOLE_ONLY = frozenset({"view_family", "facing", "framing", "background", "style", "pose"})
"""Axes read without the look at the head: where that is, is cut by the framing read here."""

_COLORS = frozenset(axis for axis in AXES if axis.endswith("_color")) | {"skin"}
_LOW_FRAMINGS = ("upper body", "full body")


def labels(specs: Sequence[tuple[Puppet, PuppetShot]]) -> NDArray[np.int64]:
    """Index of the true answer on every axis in the order of `AXES`, (N, axes); NOTHING where it cannot be seen."""
    return np.array([[_label(axis, puppet, shot) for axis in AXES] for puppet, shot in specs], dtype=np.int64)


def _label(axis: str, puppet: Puppet, shot: PuppetShot) -> int:
    if axis in _COLORS and shot.style == "monochrome":
        return NOTHING
    answer = _answer(axis, puppet, shot)
    return NOTHING if answer is None else AXES[axis].index(answer)


def _answer(axis: str, puppet: Puppet, shot: PuppetShot) -> str | None:
    """The true answer, or None where the picture does not show it."""
    named, outfit = puppet.named, puppet.named.outfits[shot.outfit]
    match axis:
        case "view_family" | "framing" | "background" | "style" | "pose" | "expression" | "eye_color" | "tail":
            return _guarded(axis, puppet, shot)
        case "facing":
            sided = shot.view_family in ("three-quarter", "profile")
            return ("facing right" if shot.yaw > 0 else "facing left") if sided else None
        case "hat" | "accessory":
            kind = getattr(named, axis).split(" ", 1)[-1]
            return None if kind == "glasses" and shot.view_family == "behind" else kind
        case "hat_color" | "accessory_color":
            thing = getattr(named, axis.removesuffix("_color"))
            return thing.split(" ", 1)[0] if " " in thing else None
        case "top" | "top_color":
            return str(getattr(outfit, axis))
        case "bottom":
            return outfit.bottom if shot.framing in _LOW_FRAMINGS else None
        case "bottom_color":
            return outfit.bottom_color or None if shot.framing in _LOW_FRAMINGS else None
        case _:
            return str(getattr(named, axis))


def _guarded(axis: str, puppet: Puppet, shot: PuppetShot) -> str | None:
    """The answer on an axis that `captions.is_seen` may hide."""
    holder = shot if hasattr(shot, axis) else puppet.named
    answer: str = getattr(holder, axis)
    if axis in ("pose", "expression", "eye_color", "tail") and not captions.is_seen(axis, answer, shot):
        return None
    return answer
