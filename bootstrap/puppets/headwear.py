"""Headwear as solids: animal ears, hats, and the hair ribbon.

Does NOT know hair styles, the face, or the camera.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bootstrap.puppets.anatomy import Puppet
from bootstrap.puppets.geometry import BodyPart, Carve, Flags, Float32s, Plane, Solid, ball, limb
from bootstrap.puppets.hair import hair_color
from bootstrap.puppets.palette import CLOTHES, CREAM, INNER_EAR, Rgb, mix, paint

_LIFT = {"curly hair": 0.26, "spiky hair": 0.14}  # raises ears above voluminous hair


def build_headwear(puppet: Puppet) -> list[Solid]:
    """Ears, hat and hair ribbon; an empty list for a puppet without any."""
    solids: list[Solid] = []
    named, unnamed = puppet.named, puppet.unnamed
    if named.ears:
        lift = _LIFT.get(named.hair_style, 0.0)
        for ear in _EARS[named.ears](hair_color(puppet), unnamed.ear_size):
            x, y, z = ear.center
            solids.append(replace(ear, center=(x * (1 + lift / 2), y + lift, z)))
    if named.hat:
        color, kind = named.hat.split(" ", 1)
        trim = paint(CLOTHES, unnamed.trim_color, unnamed.cloth_tone)
        solids += _HATS[kind](paint(CLOTHES, color, unnamed.cloth_tone), trim)
    if named.accessory.endswith(" ribbon"):
        color, lift = named.accessory.split(" ")[0], 1.5 * _LIFT.get(named.hair_style, 0.0)
        solids += _ribbon(paint(CLOTHES, color, unnamed.cloth_tone), lift)
    return solids


def _pointed(slope: float, foot: float = -1.0) -> tuple[Plane, ...]:
    """Two sides that meet above, and the height below which nothing is left."""
    return (1.0, slope, 0.0, slope), (-1.0, slope, 0.0, slope), (0.0, -1.0, 0.0, -foot)


def _cat(color: Rgb, size: float) -> list[Solid]:
    solids = []
    for s in (-1, 1):
        x, y = s * 0.66, 0.96 + 0.12 * size
        outer, inner = (0.50 * size, 0.66 * size, 0.30), (0.29 * size, 0.44 * size, 0.20)
        solids.append(ball((x, y, -0.02), outer, color, BodyPart.EAR, planes=_pointed(0.68), roll=-s * 22))
        solids.append(
            ball((x, y - 0.03, 0.14), inner, INNER_EAR, BodyPart.INNER_EAR, planes=_pointed(0.68), roll=-s * 22)
        )
    return solids


def _fox(color: Rgb, size: float) -> list[Solid]:
    dark = mix(color, (0.12, 0.08, 0.1), 0.72)
    solids = []
    for s in (-1, 1):
        x, y, roll = s * 0.70, 1.10 + 0.16 * size, -s * 26
        outer, inner = (0.58 * size, 0.92 * size, 0.32), (0.30 * size, 0.58 * size, 0.22)
        larger = (outer[0] * 1.02, outer[1] * 1.02, 0.35)
        solids.append(ball((x, y, -0.02), outer, color, BodyPart.EAR, planes=_pointed(0.64), roll=roll))
        solids.append(ball((x, y, -0.02), larger, dark, BodyPart.EAR, planes=_pointed(0.64, 0.30), roll=roll))
        solids.append(ball((x, y - 0.12, 0.15), inner, CREAM, BodyPart.INNER_EAR, planes=_pointed(0.64), roll=roll))
    return solids


def _rabbit(color: Rgb, size: float) -> list[Solid]:
    solids = []
    for s in (-1, 1):
        at = (s * 0.48, 1.25 + 0.28 * size, -0.05)
        solids.append(ball(at, (0.25, 0.82 * size, 0.2), color, BodyPart.EAR, roll=-s * 9))
        solids.append(ball((at[0], at[1], 0.08), (0.13, 0.60 * size, 0.14), INNER_EAR, BodyPart.INNER_EAR, roll=-s * 9))
    return solids


def _dog(color: Rgb, size: float) -> list[Solid]:
    dark = mix(color, (0.16, 0.10, 0.1), 0.35)
    solids = []
    for s in (-1, 1):
        center = (s * 1.06, 0.62 - 0.26 * size, 0.10)
        solids.append(ball(center, (0.30, 0.64 * size, 0.38), dark, BodyPart.EAR, roll=s * 24))
    return solids


def _bear(color: Rgb, size: float) -> list[Solid]:
    solids = []
    for s in (-1, 1):
        outer, inner = 0.40 * size, 0.23 * size
        solids.append(ball((s * 0.78, 0.96, -0.02), (outer, outer, 0.26), color, BodyPart.EAR))
        solids.append(ball((s * 0.80, 0.98, 0.12), (inner, inner, 0.18), INNER_EAR, BodyPart.INNER_EAR))
    return solids


_EARS: dict[str, Callable[[Rgb, float], list[Solid]]] = {
    "cat ears": _cat,
    "rabbit ears": _rabbit,
    "fox ears": _fox,
    "dog ears": _dog,
    "bear ears": _bear,
}


def _above(low: float, high: float = 2.0) -> Carve:
    def is_kept(x: Float32s, y: Float32s, z: Float32s) -> Flags:
        return np.asarray((y > low) & (y < high))

    return is_kept


def _beret(color: Rgb, trim: Rgb) -> list[Solid]:
    return [
        ball((0.14, 0.92, -0.12), (1.12, 0.44, 1.05), color, BodyPart.HAT, roll=-10, lean=-8),
        ball((0, 0.70, -0.06), (0.96, 0.17, 0.98), trim, BodyPart.TRIM),
        ball((0.22, 1.38, -0.15), (0.10, 0.16, 0.10), color, BodyPart.HAT),
    ]


def _cap(color: Rgb, trim: Rgb) -> list[Solid]:
    return [
        ball((0, 0.30, -0.03), (1.17, 0.98, 1.17), color, BodyPart.HAT, _above(0.18)),
        ball((0, 0.54, 1.02), (0.74, 0.10, 0.62), trim, BodyPart.TRIM, lean=12),
        ball((0, 1.28, -0.03), (0.13, 0.08, 0.13), trim, BodyPart.TRIM),
    ]


def _witch(color: Rgb, trim: Rgb) -> list[Solid]:
    return [
        ball((0, 0.66, -0.05), (1.52, 0.10, 1.42), color, BodyPart.HAT, lean=-6),
        ball((0, 0.60, -0.05), (0.92, 1.40, 0.92), color, BodyPart.HAT, _above(0.05), lean=-6),
        ball((0, 0.60, -0.05), (0.97, 1.43, 0.97), trim, BodyPart.TRIM, _above(0.08, 0.30), lean=-6),
        limb((0.02, 1.78, -0.15), (0.52, 2.10, -0.22), 0.24, color, BodyPart.HAT),
    ]


def _ribbon_hat(color: Rgb, trim: Rgb) -> list[Solid]:
    return [
        ball((0, 0.62, -0.04), (1.48, 0.10, 1.42), color, BodyPart.HAT, lean=-5),
        ball((0, 0.42, -0.04), (1.04, 0.96, 1.04), color, BodyPart.HAT, _above(0.15), lean=-5),
        ball((0, 0.42, -0.04), (1.08, 0.99, 1.08), trim, BodyPart.TRIM, _above(0.25, 0.52), lean=-5),
        ball((0.98, 0.84, 0.40), (0.28, 0.24, 0.16), trim, BodyPart.TIE, roll=30),
        ball((0.98, 0.84, -0.10), (0.16, 0.22, 0.28), trim, BodyPart.TIE, roll=30),
    ]


_HATS: dict[str, Callable[[Rgb, Rgb], list[Solid]]] = {
    "beret": _beret,
    "cap": _cap,
    "witch hat": _witch,
    "ribbon-hat": _ribbon_hat,
}


def _ribbon(color: Rgb, lift: float) -> list[Solid]:
    knot = ball((0, 1.14 + lift, 0.02), (0.15, 0.16, 0.17), mix(color, (0.1, 0.05, 0.1), 0.25), BodyPart.TRIM)
    solids = [knot]
    for s in (-1, 1):
        solids.append(ball((s * 0.40, 1.26 + lift, 0.0), (0.40, 0.27, 0.16), color, BodyPart.TIE, roll=s * 24))
    return solids
