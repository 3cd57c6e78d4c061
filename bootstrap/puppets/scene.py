"""How a puppet is shown: the view, framing, expression, pose, outfit, background and style of one drawing.

The vocabularies are those that the shipped weights were trained on. Does NOT know who is shown, nor how anything is
drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from bootstrap.errors import UsageError
from bootstrap.records import Box

ALL_VIEW_FAMILIES = ("front", "three-quarter", "profile", "behind", "above", "below")
ALL_FRAMINGS = ("close-up", "portrait", "upper body", "full body")
ALL_EXPRESSIONS = ("smile", "open mouth", "frown", "closed eyes", "surprised", "neutral expression")
ALL_POSES = ("standing", "waving", "arms up", "sitting", "walking", "hands on hips")
ALL_BACKGROUNDS = (
    "simple background",
    "sky",
    "forest",
    "sunset",
    "night",
    "room",
    "beach",
    "city street",
    "snow",
)
ALL_STYLES = ("cel shading", "flat color", "sketch", "pastel", "monochrome", "pixel art")
ALL_OUTFITS = (0, 1, 2)

FRAMES: Mapping[str, tuple[float, float, float]] = {
    "close-up": (0.5, 0.52, 0.355),
    "portrait": (0.5, 0.47, 0.275),
    "upper body": (0.5, 0.40, 0.220),
    "full body": (0.5, 0.35, 0.166),
}
"""Framing -> (x, y) of the head's centre and its radius, in fractions of the picture's side."""

_VIEW_FAMILY_ODDS = (0.26, 0.22, 0.16, 0.14, 0.11, 0.11)
_FRAMING_ODDS = (0.18, 0.30, 0.28, 0.24)
_STYLE_ODDS = (0.65, 0.07, 0.07, 0.07, 0.07, 0.07)
_BACKGROUND_ODDS = (0.28, *[0.09] * 8)


@dataclass(frozen=True)
class PuppetShot:
    """One view of a puppet.

    `yaw` and `pitch` in degrees: yaw is 0 where the puppet faces the viewer and grows as it turns to the viewer's right
    (180 = from behind); pitch is positive where the camera looks from above. `outfit` is an index into the puppet's
    outfits.
    """

    view_family: str
    yaw: float
    pitch: float
    framing: str
    expression: str
    pose: str
    outfit: int
    background: str
    style: str


def sample_shot(rng: np.random.Generator, **fixed: Any) -> PuppetShot:
    """A random shot; `fixed` sets any field of `PuppetShot`, the others are sampled.

    Yaw and pitch are sampled inside the range of the view family unless they are fixed.

    Raises:
        UsageError: `fixed` names no field of `PuppetShot`, or a value outside its vocabulary.
    """
    _check(fixed)
    view_family = fixed.get("view_family") or _draw(rng, ALL_VIEW_FAMILIES, _VIEW_FAMILY_ODDS)
    yaw, pitch = _sample_angles(rng, view_family)
    drawn: dict[str, Any] = {
        "view_family": view_family,
        "yaw": yaw,
        "pitch": pitch,
        "framing": _draw(rng, ALL_FRAMINGS, _FRAMING_ODDS),
        "expression": _draw(rng, ALL_EXPRESSIONS),
        "pose": _draw(rng, ALL_POSES),
        "outfit": int(rng.choice(3, p=(0.6, 0.2, 0.2))),
        "background": _draw(rng, ALL_BACKGROUNDS, _BACKGROUND_ODDS),
        "style": _draw(rng, ALL_STYLES, _STYLE_ODDS),
    }
    return PuppetShot(**{**drawn, **fixed})


def _sample_angles(rng: np.random.Generator, view_family: str) -> tuple[float, float]:
    """Yaw and pitch in degrees, inside the range of the view family."""
    turn = -1
    if rng.random() < 0.5:
        turn = 1
    level = float(rng.uniform(-6, 6))
    match view_family:
        case "front":
            return turn * float(rng.uniform(0, 12)), level
        case "three-quarter":
            return turn * float(rng.uniform(32, 52)), level
        case "profile":
            return turn * float(rng.uniform(66, 88)), level
        case "behind":
            return 180 + turn * float(rng.uniform(0, 25)), level
        case "above":
            return turn * float(rng.uniform(0, 25)), float(rng.uniform(30, 44))
        case _:
            return turn * float(rng.uniform(0, 25)), float(rng.uniform(-40, -26))


def _draw(rng: np.random.Generator, choices: Sequence[str], odds: Sequence[float] | None = None) -> str:
    if odds is None:
        return choices[int(rng.choice(len(choices)))]
    return choices[int(rng.choice(len(choices), p=np.asarray(odds) / sum(odds)))]


_VOCABULARIES: Mapping[str, tuple[Any, ...]] = {
    "view_family": ALL_VIEW_FAMILIES,
    "framing": ALL_FRAMINGS,
    "expression": ALL_EXPRESSIONS,
    "pose": ALL_POSES,
    "outfit": ALL_OUTFITS,
    "background": ALL_BACKGROUNDS,
    "style": ALL_STYLES,
}


def _check(fixed: Mapping[str, Any]) -> None:
    axes = [field.name for field in fields(PuppetShot)]
    for axis, value in fixed.items():
        if axis not in axes:
            raise UsageError(f'a puppet shot has no axis "{axis}"; use one of {", ".join(axes)}')
        vocabulary = _VOCABULARIES.get(axis, (value,))
        if value not in vocabulary:
            raise UsageError(f'{axis}: "{value}" is unknown; use one of {", ".join(map(str, vocabulary))}')


def _composition(framing: str) -> tuple[Box, Box]:
    x, y, radius = FRAMES[framing]
    reach = 1.15 * radius
    head = (max(x - reach, 0.0), max(y - reach, 0.0), min(x + reach, 1.0), min(y + reach, 1.0))
    body = (max(x - 1.5 * radius, 0.0), y + 0.85 * radius, min(x + 1.5 * radius, 1.0), min(y + 3.7 * radius, 1.0))
    return head, body


COMPOSITION: Mapping[str, tuple[Box, Box]] = {framing: _composition(framing) for framing in ALL_FRAMINGS}
"""Framing -> (head box, body box), each (x0, y0, x1, y1) in fractions of the picture's side."""
