"""The body as solids: torso, clothes, limbs in their pose, shoes, tail and scarf.

Does NOT know the face, the hair, or the camera.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bootstrap.puppets.anatomy import DRESS, Puppet, PuppetOutfit
from bootstrap.puppets.geometry import BodyPart, Carve, Flags, Float32s, Point, Solid, ball, limb
from bootstrap.puppets.hair import build_hair, hair_color
from bootstrap.puppets.headwear import build_headwear
from bootstrap.puppets.palette import CLOTHES, CREAM, SKIN, Rgb, mix, paint

REACHING_LEFT, REACHING_RIGHT = "reaching left", "reaching right"
"""Poses of pairs that hold hands, which no caption of a single puppet names."""
_SHOULDER, _HIP = -1.18, -2.12
_SEAT_COLOR: Rgb = (0.72, 0.56, 0.46)
_Arm = tuple[Point, Point]


def build_figure(puppet: Puppet, outfit: PuppetOutfit, pose: str) -> list[Solid]:
    """Every solid of a puppet, in head space. The first is the head, the second the torso."""
    skin = paint(SKIN, puppet.named.skin, puppet.unnamed.skin_tone)
    width, height = puppet.unnamed.head_width, puppet.unnamed.head_height
    head = ball((0, 0, 0), (width, height, 0.97), skin, BodyPart.HEAD)
    torso = _build_torso(puppet, outfit)
    return [
        head,
        *torso,
        *_build_arms(puppet, outfit, pose, skin),
        *_build_legs(puppet, outfit, pose, skin),
        *_build_tail(puppet),
        *_build_scarf(puppet),
        *build_hair(puppet),
        *build_headwear(puppet),
    ]


def cloth(puppet: Puppet, name: str) -> Rgb:
    """The exact colour of this puppet's clothes under a colour name."""
    return paint(CLOTHES, name, puppet.unnamed.cloth_tone)


def _build_torso(puppet: Puppet, outfit: PuppetOutfit) -> list[Solid]:
    color, wide = cloth(puppet, outfit.top_color), puppet.unnamed.body_width
    bulk = 1.0
    if outfit.top in ("sweater", "hoodie"):
        bulk = 1.12
    torso = [ball((0, -1.58, 0), (0.60 * wide * bulk, 0.76, 0.46 * wide * bulk), color, BodyPart.TORSO)]
    trim = cloth(puppet, puppet.unnamed.trim_color)
    match outfit.top:
        case "sweater":
            torso.append(ball((0, -1.00, 0), (0.44, 0.17, 0.40), color, BodyPart.TRIM))
        case "hoodie":
            torso.append(ball((0, -1.02, -0.22), (0.74, 0.32, 0.56), color, BodyPart.SLEEVE))
        case "jacket":
            torso.append(ball((0, -2.12, 0), (0.60 * wide, 0.16, 0.47 * wide), trim, BodyPart.TRIM))
        case _:
            torso.append(ball((0, -1.02, 0), (0.42, 0.10, 0.36), trim, BodyPart.TRIM))
    return torso


_ARMS: dict[str, tuple[_Arm, _Arm]] = {
    "standing": (((-0.80, -1.62, 0.05), (-0.88, -2.06, 0.14)), ((0.80, -1.62, 0.05), (0.88, -2.06, 0.14))),
    "waving": (((-0.80, -1.62, 0.05), (-0.88, -2.06, 0.14)), ((1.12, -0.98, 0.22), (1.46, -0.28, 0.34))),
    "arms up": (((-1.12, -0.94, 0.18), (-1.34, -0.16, 0.30)), ((1.12, -0.94, 0.18), (1.34, -0.16, 0.30))),
    "sitting": (((-0.80, -1.62, 0.20), (-0.46, -2.02, 0.62)), ((0.80, -1.62, 0.20), (0.46, -2.02, 0.62))),
    "walking": (((-0.78, -1.58, 0.32), (-0.74, -1.82, 0.76)), ((0.78, -1.60, -0.30), (0.84, -1.98, -0.58))),
    "hands on hips": (((-1.14, -1.66, -0.08), (-0.66, -2.02, 0.24)), ((1.14, -1.66, -0.08), (0.66, -2.02, 0.24))),
    REACHING_LEFT: (((-0.98, -1.52, 0.08), (-1.38, -1.80, 0.12)), ((0.80, -1.62, 0.05), (0.88, -2.06, 0.14))),
    REACHING_RIGHT: (((-0.80, -1.62, 0.05), (-0.88, -2.06, 0.14)), ((0.98, -1.52, 0.08), (1.38, -1.80, 0.12))),
}


def _build_arms(puppet: Puppet, outfit: PuppetOutfit, pose: str, skin: Rgb) -> list[Solid]:
    color = cloth(puppet, outfit.top_color)
    bare = outfit.top in ("shirt", DRESS)
    puff = 0.23
    if outfit.top in ("sweater", "hoodie", DRESS):
        puff = 0.27
    solids = []
    for side, (elbow, hand) in zip((-1, 1), _ARMS[pose], strict=True):
        shoulder: Point = (side * 0.47 * puppet.unnamed.body_width, _SHOULDER, 0.0)
        if bare:
            middle = (0.45 * shoulder[0] + 0.55 * elbow[0], 0.45 * _SHOULDER + 0.55 * elbow[1], 0.55 * elbow[2])
            solids.append(limb(shoulder, middle, puff, color, BodyPart.SLEEVE, overshoot=1.4))
            solids.append(limb(middle, elbow, 0.15, skin, BodyPart.HAND))
            solids.append(limb(elbow, hand, 0.15, skin, BodyPart.HAND))
        else:
            solids.append(limb(shoulder, elbow, puff, color, BodyPart.SLEEVE))
            solids.append(limb(elbow, hand, puff * 0.92, color, BodyPart.SLEEVE, overshoot=1.15))
        solids.append(ball(hand, (0.19, 0.19, 0.19), skin, BodyPart.HAND))
    return solids


def _feet(pose: str, length: float) -> tuple[tuple[Point, Point], tuple[Point, Point]]:
    """Knee and ankle of the left and the right leg."""
    ankle = _HIP - 1.18 * length
    knee = (_HIP + ankle) / 2
    if pose == "sitting":
        low = -2.30 - 0.66 * length
        return ((-0.34, -2.28, 0.92), (-0.36, low, 1.00)), ((0.34, -2.28, 0.92), (0.36, low, 1.00))
    if pose == "walking":
        return ((-0.27, knee, -0.26), (-0.27, ankle + 0.20, -0.72)), ((0.27, knee + 0.06, 0.42), (0.27, ankle, 0.52))
    return ((-0.28, knee, 0.03), (-0.29, ankle, 0.0)), ((0.28, knee, 0.03), (0.29, ankle, 0.0))


def _build_legs(puppet: Puppet, outfit: PuppetOutfit, pose: str, skin: Rgb) -> list[Solid]:
    color = cloth(puppet, outfit.bottom_color or outfit.top_color)
    shoe = cloth(puppet, puppet.unnamed.shoe_color)
    solids: list[Solid] = []
    thigh, shin, shin_part = skin, skin, BodyPart.LEG
    thigh_size, shin_size = 0.23, 0.19
    if outfit.bottom in ("pants", "shorts"):
        thigh, thigh_size = color, 0.34
    if outfit.bottom == "pants":
        shin, shin_size = color, 0.27
    if shin != thigh:
        shin_part = BodyPart.HAND
    for knee, ankle in _feet(pose, puppet.unnamed.leg_length):
        hip: Point = (knee[0] * 0.9, _HIP, 0.0)
        solids.append(limb(hip, knee, thigh_size, thigh, BodyPart.LEG))
        solids.append(limb(knee, ankle, shin_size, shin, shin_part))
        solids.append(ball((ankle[0], ankle[1] - 0.06, ankle[2] + 0.12), (0.25, 0.19, 0.34), shoe, BodyPart.SHOE))
    if outfit.bottom in ("pants", "shorts"):
        wide = puppet.unnamed.body_width
        solids.append(ball((0, -2.18, 0), (0.58 * wide, 0.34, 0.46 * wide), color, BodyPart.LEG))
    else:
        solids += _build_skirt(puppet, outfit, color, sits=pose == "sitting")
    if pose == "sitting":
        solids.append(ball((0, -2.74, -0.02), (0.86, 0.40, 0.66), _SEAT_COLOR, BodyPart.SEAT))
    return solids


def _build_skirt(puppet: Puppet, outfit: PuppetOutfit, color: Rgb, *, sits: bool) -> list[Solid]:
    """A bell, cut flat at the hem, its dark inside, and the border above the hem."""
    wide = puppet.unnamed.body_width
    hem, flare, waist = -2.62, 0.88 * wide, -1.72
    if outfit.top == DRESS:
        hem, flare, waist = -2.86, 0.98 * wide, -1.60
    deep, ahead = 0.82 * wide, 0.0
    if sits:
        hem, deep, ahead = -2.52, 0.98, 0.32
    bell = ball((0, hem, ahead), (flare, waist - hem, deep), color, BodyPart.SKIRT, _dome)
    inside = ball((0, hem, ahead), (flare * 0.97, 0.05, deep * 0.97), mix(color, (0.1, 0.05, 0.12), 0.5), BodyPart.HEM)
    border = ball(
        (0, hem, ahead),
        (flare * 1.03, waist - hem, deep * 1.03),
        cloth(puppet, puppet.unnamed.trim_color),
        BodyPart.HEM,
        _border,
    )
    return [bell, inside, border]


def _dome(x: Float32s, y: Float32s, z: Float32s) -> Flags:
    return np.asarray(y > 0)


def _border(x: Float32s, y: Float32s, z: Float32s) -> Flags:
    return np.asarray((y > 0) & (y < 0.15))


def _build_tail(puppet: Puppet) -> list[Solid]:
    color, s = hair_color(puppet), puppet.unnamed.side
    match puppet.named.tail:
        case "cat tail":
            bends: list[Point] = [
                (0, -2.1, -0.4),
                (s * 0.75, -2.45, -0.85),
                (s * 1.28, -2.15, -0.95),
                (s * 1.36, -1.35, -0.9),
            ]
            return [limb(a, b, 0.17, color, BodyPart.TAIL) for a, b in pairwise(bends)]
        case "fox tail":
            tip: Carve = _fox_tip
            start, end = (s * 0.15, -2.15, -0.45), (s * 1.45, -1.55, -1.05)
            brush = limb(start, end, 0.42, color, BodyPart.TAIL, overshoot=1.3)
            white = Solid(brush.center, (brush.frame * 1.02).astype(np.float32), CREAM, BodyPart.TAIL, tip)
            return [brush, white]
        case "rabbit tail":
            return [ball((s * 0.30, -2.15, -0.62), (0.34, 0.34, 0.34), mix(color, CREAM, 0.6), BodyPart.TAIL)]
        case _:
            return []


def _fox_tip(x: Float32s, y: Float32s, z: Float32s) -> Flags:
    return np.asarray(y > 0.42)


def _build_scarf(puppet: Puppet) -> list[Solid]:
    if not puppet.named.accessory.endswith(" scarf"):
        return []
    color, s = cloth(puppet, puppet.named.accessory.split(" ")[0]), puppet.unnamed.side
    return [
        ball((0, -1.02, 0.02), (0.74, 0.25, 0.64), color, BodyPart.SCARF),
        limb((s * 0.30, -1.10, 0.52), (s * 0.36, -1.78, 0.58), 0.19, color, BodyPart.SCARF),
    ]
