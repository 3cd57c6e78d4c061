"""The face, painted on the surface of the head, so that it turns with the head and disappears behind it.

Positions are longitude and latitude on the head, in radians; longitude grows to the viewer's right when the puppet
faces the viewer. Does NOT know hair, the background, or the drawing style.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bootstrap.puppets.anatomy import Puppet, UnnamedTraits
from bootstrap.puppets.geometry import Flags, Float32s
from bootstrap.puppets.palette import BLUSH, EYES, INK, WHITE, Rgb, mix, paint

_EYE_LATITUDE = -0.16
_MOUTH_LATITUDE = -0.56
_NOSE_LATITUDE = -0.38
_LIP: Rgb = (0.72, 0.22, 0.26)
_MOUTH_INSIDE: Rgb = (0.66, 0.16, 0.20)
_GLASSES: Rgb = (0.20, 0.16, 0.30)


@dataclass
class Patch:
    """The k pixels that show one solid. Painting changes `color` (k, 3), in [0, 1], and `ink` (k,), where a line is.

    `fresh` (k,) is set where the paint takes no shade. `x`, `y`, `z` (k,) are unit-ball coordinates, `thin` the least
    width in radians of a line that stays visible.
    """

    x: Float32s
    y: Float32s
    z: Float32s
    color: Float32s
    thin: float
    ink: Flags = field(init=False)
    fresh: Flags = field(init=False)

    def __post_init__(self) -> None:
        self.ink = np.zeros(self.x.shape, np.bool_)
        self.fresh = np.zeros(self.x.shape, np.bool_)

    def fill(self, where: Flags, color: Rgb, *, fresh: bool = False) -> None:
        """Colour the pixels `where` and remove earlier lines there."""
        self.color[where] = color
        self.ink[where] = False
        self.fresh |= where & fresh

    def line(self, where: Flags) -> None:
        """Draw a line through the pixels `where`."""
        self.color[where] = INK
        self.ink[where] = True


@dataclass(frozen=True)
class EyePlace:
    """Centre and half sizes of one eye, in radians."""

    longitude: float
    latitude: float
    half_width: float
    half_height: float


def eye_places(unnamed: UnnamedTraits) -> tuple[EyePlace, EyePlace]:
    """The left and the right eye, as the viewer sees them, of a puppet that faces the viewer."""
    width = 0.195 * unnamed.eye_size
    height = width * unnamed.eye_aspect
    longitude = 0.42 * unnamed.eye_spacing
    latitude = _EYE_LATITUDE + unnamed.eye_height
    return EyePlace(-longitude, latitude, width, height), EyePlace(longitude, latitude, width, height)


def landmarks(unnamed: UnnamedTraits) -> Float32s:
    """Eyes, nose and mouth corners on the head's unit ball, (5, 3), in the order ArcFace aligns by."""
    left, right = eye_places(unnamed)
    mouth = 0.15 * unnamed.mouth_width
    places = [
        (left.longitude, left.latitude),
        (right.longitude, right.latitude),
        (0.0, _NOSE_LATITUDE),
        (-mouth, _MOUTH_LATITUDE),
        (mouth, _MOUTH_LATITUDE),
    ]
    return np.array([(np.sin(u) * np.cos(v), np.sin(v), np.cos(u) * np.cos(v)) for u, v in places], np.float32)


def paint_face(patch: Patch, puppet: Puppet, expression: str, skin: Rgb) -> None:
    """Paint mark, eyes, brows, nose, mouth and glasses on the front half of the head."""
    unnamed = puppet.unnamed
    u = np.asarray(np.where(patch.z > 0, np.arctan2(patch.x, patch.z), np.float32(9.0)), np.float32)
    v = np.asarray(np.arcsin(np.clip(patch.y, -1, 1)), np.float32)
    _paint_mark(patch, u, v, unnamed, skin)
    iris = paint(EYES, puppet.named.eye_color, unnamed.eye_tone)
    for side, place in zip((-1, 1), eye_places(unnamed), strict=True):
        du, dv = u - place.longitude, v - place.latitude
        if expression == "closed eyes":
            arc = np.abs(dv + place.half_height * 0.35 - 1.6 * du**2 / place.half_width * 0.6)
            patch.line((np.abs(du) < place.half_width * 1.1) & (arc < max(0.045, patch.thin)))
        else:
            _paint_eye(patch, du, dv + unnamed.eye_tilt * side * -du, place, iris, startled=expression == "surprised")
        _paint_brow(patch, du * side, dv, place, expression)
        if puppet.named.accessory == "glasses":
            _paint_lens(patch, du, dv, place)
    if puppet.named.accessory == "glasses":
        _paint_frame(patch, u, v, eye_places(unnamed)[1])
    _paint_nose(patch, u, v, skin)
    _paint_mouth(patch, u, v + (-_MOUTH_LATITUDE), expression, unnamed.mouth_width)


def _paint_eye(patch: Patch, du: Float32s, dv: Float32s, place: EyePlace, iris: Rgb, *, startled: bool) -> None:
    a, b = du / place.half_width, dv / place.half_height
    radius = np.sqrt(a * a + b * b)
    lash = max(0.26, 1.25 * patch.thin / place.half_width)
    patch.line((radius < 1 + lash) & (b > 0.12))
    patch.line((radius < 1 + 0.45 * lash) & (b <= 0.12))
    patch.fill(radius < 1, WHITE, fresh=True)
    size = 0.86
    if startled:
        size = 0.62
    inner = np.sqrt((a / size) ** 2 + ((b + 0.04) / (size * 1.06)) ** 2)
    colored = inner < 1
    patch.fill(colored, iris, fresh=True)
    patch.fill(colored & (b > 0.30 * size), mix(iris, INK, 0.45), fresh=True)
    patch.fill(colored & (b < -0.45 * size), mix(iris, WHITE, 0.38), fresh=True)
    patch.fill((inner < 0.48) & (b < 0.6), mix(iris, INK, 0.82), fresh=True)
    patch.fill(((a + 0.30) / 0.30) ** 2 + ((b - 0.42) / 0.30) ** 2 < 1, WHITE, fresh=True)
    patch.fill(((a - 0.32) / 0.17) ** 2 + ((b + 0.48) / 0.17) ** 2 < 1, WHITE, fresh=True)


def _paint_brow(patch: Patch, outward: Float32s, dv: Float32s, place: EyePlace, expression: str) -> None:
    slope = {"frown": 0.55, "surprised": -0.10}.get(expression, -0.12)
    lift = place.half_height * 1.35 + {"frown": 0.02, "surprised": 0.16}.get(expression, 0.07)
    ridge = np.abs(dv - lift - slope * outward)
    patch.line((np.abs(outward) < place.half_width * 0.9) & (ridge < max(0.034, 0.8 * patch.thin)))


def _lens_size(place: EyePlace) -> float:
    """Radius of a lens: it covers the eye and leaves room for a bridge between the two."""
    return min(max(place.half_width, place.half_height) * 1.12 + 0.07, 0.84 * abs(place.longitude))


def _paint_lens(patch: Patch, du: Float32s, dv: Float32s, place: EyePlace) -> None:
    size = _lens_size(place)
    radius = np.sqrt((du / 1.05) ** 2 + dv**2)
    patch.fill(np.abs(radius - size) < max(0.030, 0.75 * patch.thin), _GLASSES, fresh=True)


def _paint_frame(patch: Patch, u: Float32s, v: Float32s, place: EyePlace) -> None:
    """The bridge and the temples of the glasses."""
    size = _lens_size(place)
    turned = np.abs(u)
    bar = np.abs(v - place.latitude - 0.04) < max(0.030, 0.75 * patch.thin)
    gap = place.longitude - size * 1.05
    patch.fill(
        bar & ((turned < gap) | ((turned > place.longitude + size * 1.05) & (turned < 1.6))), _GLASSES, fresh=True
    )


def _paint_nose(patch: Patch, u: Float32s, v: Float32s, skin: Rgb) -> None:
    size = max(0.045, 1.1 * patch.thin)
    patch.fill((u / size) ** 2 + ((v - _NOSE_LATITUDE) / (0.7 * size)) ** 2 < 1, mix(skin, _LIP, 0.55), fresh=True)


def _paint_mouth(patch: Patch, u: Float32s, v: Float32s, expression: str, width: float) -> None:
    half, thick = 0.17 * width, max(0.034, 0.85 * patch.thin)
    spread = np.abs(u) < half
    match expression:
        case "open mouth":
            mouth = (u / (half * 1.05)) ** 2 + ((v - 0.06) / 0.19) ** 2
            shape = (mouth < 1) & (v < 0.06)
            patch.line((mouth < 1.5) & (v < 0.06 + thick * 1.6))
            patch.fill(shape, _MOUTH_INSIDE, fresh=True)
            patch.fill(shape & (v < -0.05), (0.95, 0.50, 0.50), fresh=True)
        case "surprised":
            ring = np.sqrt((u / 0.09) ** 2 + (v / 0.115) ** 2)
            patch.line(ring < 1 + thick * 9)
            patch.fill(ring < 1, _MOUTH_INSIDE, fresh=True)
        case "frown":
            patch.line(spread & (np.abs(v - 0.03 + 0.12 * (u / half) ** 2) < thick))
        case "neutral expression":
            patch.line((np.abs(u) < half * 0.7) & (np.abs(v) < thick))
        case _:
            patch.line(spread & (np.abs(v + 0.06 - 0.12 * (u / half) ** 2) < thick))


def _paint_mark(patch: Patch, u: Float32s, v: Float32s, unnamed: UnnamedTraits, skin: Rgb) -> None:
    """Paint blush, freckles, scar or mole: an unnamed trait, large enough to be seen."""
    s, low = unnamed.mark_side, _EYE_LATITUDE + unnamed.eye_height - 0.36
    freckle: Rgb = (1.0, 0.84, 0.66)
    wound: Rgb = (1.0, 0.70, 0.68)
    if sum(skin) > 1.8:  # dark marks on pale skin
        freckle, wound = (0.52, 0.24, 0.14), (0.60, 0.10, 0.14)
    dots, gash = mix(skin, freckle, 0.66), mix(skin, wound, 0.72)
    match unnamed.mark:
        case "blush":
            for side in (-1, 1):
                patch.fill(((u - side * 0.66) / 0.19) ** 2 + ((v - low) / 0.11) ** 2 < 1, mix(skin, BLUSH, 0.62))
        case "freckles":
            for k in (-1, 0, 1):
                for side in (-1, 1):
                    dot = np.hypot(u - side * 0.60 - k * 0.14, v - low + 0.06 * (k % 2))
                    patch.fill(dot < max(0.046, 1.1 * patch.thin), dots)
        case "scar":
            slash = np.abs((u - s * 0.66) * 0.9 + (v - low))
            patch.fill((slash < max(0.05, 1.2 * patch.thin)) & (np.abs(u - s * 0.66) < 0.20), gash)
        case "mole":
            size = max(0.07, 1.5 * patch.thin)
            patch.fill(np.hypot(u - s * 0.52, v - low - 0.02) < size, INK)
        case _:
            pass
