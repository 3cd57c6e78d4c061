"""Hair as solids: the cap with its bangs, and the eight styles attached to it.

Does NOT know the face beneath, hats, or the camera.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bootstrap.puppets.anatomy import Puppet, UnnamedTraits
from bootstrap.puppets.geometry import BodyPart, Carve, Flags, Float32s, Point, Solid, ball, limb
from bootstrap.puppets.palette import CLOTHES, HAIR, INK, Rgb, mix, paint

_UNDER_HAT = 0.42  # locks that sit higher would grow through a hat
_TEMPLE = 0.98  # radians of longitude where bangs end and side hair begins


def hair_color(puppet: Puppet) -> Rgb:
    """The exact colour of this puppet's hair."""
    return paint(HAIR, puppet.named.hair_color, puppet.unnamed.hair_tone)


def build_hair(puppet: Puppet) -> list[Solid]:
    """Every solid of the hair, ties and clip included."""
    unnamed, color = puppet.unnamed, hair_color(puppet)
    style = puppet.named.hair_style
    side_drop, nape = -0.12, -0.75
    if style == "bob cut":
        side_drop = -0.62
    elif style in ("long hair", "short hair", "curly hair"):
        side_drop = -0.42
    if style in ("ponytail", "twintails", "spiky hair"):
        nape = -0.5
    width, height, depth = 1.09 * unnamed.head_width, 1.08 * unnamed.head_height, 1.08
    cap = ball((0, 0.03, -0.02), (width, height, depth), color, BodyPart.HAIR, hairline(unnamed, side_drop, nape))
    solids = [cap, *_STYLES[style](unnamed, color)]
    if puppet.named.hat:
        solids = [solid for solid in solids if solid.center[1] < _UNDER_HAT]
    else:
        solids += _ahoge(unnamed, color)
    return solids + _clip(unnamed)


def hairline(unnamed: UnnamedTraits, side_drop: float, nape: float) -> Carve:
    """The carving of the cap: hair is what lies above the edge of the bangs, of the temples and of the nape."""
    bangs = _BANGS[unnamed.bangs]
    side = unnamed.side

    def is_hair(x: Float32s, y: Float32s, z: Float32s) -> Flags:
        longitude = np.arctan2(x, z)
        turned = np.abs(longitude)
        edge = np.where(turned < _TEMPLE, bangs(longitude * side), np.where(turned < 1.75, side_drop, nape))
        return np.asarray(y > edge)

    return is_hair


def _zigzag(longitude: Float32s) -> Float32s:
    return np.asarray(0.16 + 0.22 * np.abs(((longitude * 1.9 + 0.3) % 1.0) * 2 - 1), np.float32)


_BANGS: dict[str, Callable[[Float32s], Float32s]] = {
    "blunt": lambda u: np.full_like(u, 0.20),
    "zigzag": _zigzag,
    "parted": lambda u: np.asarray(0.16 + 0.48 * np.exp(-((u / 0.30) ** 2)), np.float32),
    "swept": lambda u: np.asarray(0.34 + 0.26 * u, np.float32),
    "arched": lambda u: np.asarray(0.52 - 0.50 * u**2, np.float32),
    "lock": lambda u: np.asarray(0.40 - 0.46 * np.exp(-((u / 0.16) ** 2)) - 0.25 * u**2, np.float32),
}


def _long(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    drop = 1.9 * unnamed.hair_length
    volume = unnamed.hair_volume
    back = ball((0, 0.35 - drop / 2, -0.52), (1.10 * volume, drop / 2 + 0.62, 0.60), color, BodyPart.HAIR)
    solids = [back]
    for s in (-1, 1):
        lock_end = (s * 0.98 * volume, -drop * 0.66, 0.16)
        solids.append(limb((s * 0.98, 0.15, 0.10), lock_end, 0.22, color, BodyPart.HAIR))
    return solids


def _short(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    volume = unnamed.hair_volume
    back = ball((0, -0.22, -0.42), (0.98 * volume, 0.72, 0.72), color, BodyPart.HAIR)
    solids = [back]
    for s in (-1, 1):
        solids.append(limb((s * 1.0, 0.0, 0.1), (s * 1.02 * volume, -0.52, 0.05), 0.22, color, BodyPart.HAIR))
    return solids


def _twintails(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    drop, volume = 1.75 * unnamed.hair_length, unnamed.hair_volume
    tie = paint(CLOTHES, unnamed.clip_color, unnamed.cloth_tone)
    solids = []
    for s in (-1, 1):
        root: Point = (s * 1.08, 0.42, -0.15)
        bend: Point = (s * 1.52 * volume, 0.0, -0.1)
        solids += [
            limb(root, bend, 0.32 * volume, color, BodyPart.HAIR),
            limb(bend, (s * 1.62 * volume, -drop, 0.0), 0.36 * volume, color, BodyPart.HAIR, overshoot=1.35),
            ball(root, (0.24, 0.24, 0.24), tie, BodyPart.TIE),
        ]
    return solids


def _ponytail(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    drop, volume, s = 1.9 * unnamed.hair_length, unnamed.hair_volume, unnamed.side
    tie = paint(CLOTHES, unnamed.clip_color, unnamed.cloth_tone)
    root: Point = (s * 0.30, 0.98, -0.62)
    crest: Point = (s * 0.95, 1.02, -1.05)
    return [
        ball(root, (0.27, 0.27, 0.27), tie, BodyPart.TIE),
        limb(root, crest, 0.38 * volume, color, BodyPart.HAIR),
        limb((s * 0.35, 0.30, -0.80), (s * 1.12, 0.42, -1.02), 0.30, color, BodyPart.HAIR),  # holds on under a hat
        limb(crest, (s * 1.45, -drop * 0.7, -1.1), 0.42 * volume, color, BodyPart.HAIR, overshoot=1.3),
    ]


def _bob(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    def is_side(x: Float32s, y: Float32s, z: Float32s) -> Flags:
        return np.asarray((y > -0.38) & ((z < 0.22) | (np.abs(x) > 0.84)))

    wide = 1.24 * (0.4 + 0.6 * unnamed.hair_volume)
    tall = 0.95 * unnamed.hair_length**0.4
    bell = ball((0, -0.34, -0.06), (wide, tall, 1.14), color, BodyPart.HAIR, is_side)
    dark = mix(color, INK, 0.4)
    inside = ball((0, -0.34 - 0.38 * tall, -0.28), (0.9 * wide, 0.10, 0.82), dark, BodyPart.HEM)
    return [bell, inside]


def _spiky(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    reach = 1.52 + 0.30 * (unnamed.hair_length - 1)
    solids = [ball((0, -0.1, -0.42), (0.95, 0.80, 0.72), color, BodyPart.HAIR)]
    for ring_height, count, phase, length in ((0.85, 5, 0.3, 1.0), (0.29, 8, 0.0, 1.05), (-0.30, 7, 0.25, 0.98)):
        for k in range(count):
            angle = np.pi / 2 + (k + phase) * 2 * np.pi / count
            ring = np.sqrt(max(1.02 - ring_height**2, 0.1))
            x, z = ring * np.cos(angle), -ring * np.sin(angle)
            if z > 0.35 and ring_height < 0.5:
                continue  # a spike here would hide the face
            tip = (x * reach * length, (ring_height + 0.10) * reach * length, z * reach * length)
            solids.append(limb((x * 0.6, ring_height * 0.6, z * 0.6), tip, 0.28, color, BodyPart.HAIR, overshoot=1.1))
    return solids


def _curly(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    size = 0.40 * unnamed.hair_volume
    solids = [ball((0, -0.15, -0.40), (1.02, 0.95, 0.75), color, BodyPart.HAIR)]
    rows = [(0.92, 0.52, 5, 0.0), (0.41, 0.98, 9, 0.5), (-0.10, 1.12, 9, 0.0), (-0.58, 1.08, 8, 0.5)]
    if unnamed.hair_length > 1:
        rows.append((-1.02, 0.98, 7, 0.0))
    for height, ring, count, phase in rows:
        for k in range(count):
            angle = (k + phase) * 2 * np.pi / count
            x, z = ring * np.sin(angle), ring * np.cos(angle)
            if z > 0.42 and height < 0.8:
                continue
            solids.append(ball((x, height, z), (size, size, size), color, BodyPart.HAIR))
    return solids


def _braid(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    s = unnamed.side
    tie = paint(CLOTHES, unnamed.clip_color, unnamed.cloth_tone)
    beads = 4
    if unnamed.hair_length > 1:
        beads = 5
    solids = [ball((0, -0.22, -0.40), (0.98, 0.74, 0.72), color, BodyPart.HAIR)]
    for k in range(beads):
        x = s * (1.04 + (0.06 if k % 2 else -0.06))
        solids.append(ball((x, -0.42 - 0.40 * k, 0.34), (0.30, 0.29, 0.29), color, BodyPart.HAIR))
    end = -0.42 - 0.40 * (beads - 1)
    solids.append(ball((s * 1.04, end - 0.28, 0.34), (0.17, 0.13, 0.17), tie, BodyPart.TIE))
    solids.append(ball((s * 1.04, end - 0.52, 0.34), (0.20, 0.27, 0.20), color, BodyPart.HAIR))
    return solids


_STYLES: dict[str, Callable[[UnnamedTraits, Rgb], list[Solid]]] = {
    "long hair": _long,
    "short hair": _short,
    "twintails": _twintails,
    "ponytail": _ponytail,
    "bob cut": _bob,
    "spiky hair": _spiky,
    "curly hair": _curly,
    "braid": _braid,
}


def _ahoge(unnamed: UnnamedTraits, color: Rgb) -> list[Solid]:
    """The stray strands on top: none, one or two."""
    sides = ((), (unnamed.side,), (-1, 1))[unnamed.ahoge]
    solids = []
    for s in sides:
        bend: Point = (s * 0.10, 1.42, 0.05)
        solids.append(limb((0, 1.0, 0.0), bend, 0.09, color, BodyPart.HAIR))
        solids.append(limb(bend, (s * 0.50, 1.46, 0.12), 0.09, color, BodyPart.HAIR))
    return solids


def _clip(unnamed: UnnamedTraits) -> list[Solid]:
    if not unnamed.clip_side:
        return []
    color = paint(CLOTHES, unnamed.clip_color, unnamed.cloth_tone)
    s = unnamed.clip_side
    return [ball((s * 0.72, 0.48, 0.76), (0.27, 0.13, 0.14), color, BodyPart.CLIP, roll=-35 * s)]
