"""The points of a face that OpenPose's full annotator marks, for an expression: where each stands on a head.

Their order and number are those of its face model: 17 of the jaw, 10 of the brows, 9 of the nose, 12 of the eyes, 20 of
the mouth, 2 pupils (Cao et al., arXiv 1812.08008). Places are in the coordinates of `bootstrap.pictures.skeleton`;
proportions are those of an adult's face, by eye. Knows no shot and no camera.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap.pictures.skeleton import EYE, Vector

__all__ = ["EXPRESSIONS", "face_points"]

FacePoint = tuple[Vector, Vector]
"""Its place, and where it looks."""
AHEAD: Vector = (0.0, 0.0, 1.0)
EYE_APART, EYE_DEEP, MOUTH, MOUTH_DEEP, BROW = 0.018, 0.05, 0.886, 0.058, 0.947
JAW, CHIN, CHEEK = 0.925, 0.055, 0.045


@dataclass(frozen=True, slots=True)
class _Mimic:
    """What an expression changes: sizes in statures. ``corners`` and ``brows`` are how far these rise."""

    wide: float = 0.013
    lips: float = 0.004
    opened: float = 0.0
    corners: float = 0.0
    eyes: float = 0.0035
    brows: float = 0.0
    inner_brows: float = 0.0


EXPRESSIONS: Mapping[str, _Mimic] = {
    "neutral expression": _Mimic(),
    "expressionless": _Mimic(),
    "smile": _Mimic(wide=0.017, corners=0.005),
    "grin": _Mimic(wide=0.018, lips=0.006, opened=0.003, corners=0.005),
    "open mouth": _Mimic(wide=0.012, lips=0.011, opened=0.008),
    "laughing": _Mimic(wide=0.017, lips=0.011, opened=0.008, corners=0.005, eyes=0.001),
    "frown": _Mimic(corners=-0.005, inner_brows=-0.004),
    "angry": _Mimic(wide=0.012, corners=-0.003, eyes=0.003, inner_brows=-0.006),
    "sad": _Mimic(corners=-0.005, inner_brows=0.004),
    "closed eyes": _Mimic(eyes=0.0),
    "surprised": _Mimic(wide=0.009, lips=0.012, opened=0.009, eyes=0.005, brows=0.006),
}
"""Expression → how it looks."""


def face_points(expression: str) -> list[FacePoint]:
    """The 70 points of one of `EXPRESSIONS`, in OpenPose's order."""
    mimic = EXPRESSIONS[expression]
    return [*_jaw(), *_brows(mimic), *_nose(), *_eyes(mimic), *_mouth(mimic), *_pupils()]


def _jaw() -> list[FacePoint]:
    found: list[FacePoint] = []
    for number in range(17):
        turn = math.radians(-90 + 180 * number / 16)
        x, forward = math.sin(turn), math.cos(turn)
        found.append(
            ((CHEEK * x, JAW - CHIN * forward, EYE_DEEP * forward), (x, 0.0, forward + 0.1))
        )  # its ends are seen from the front
    return found


def _brows(mimic: _Mimic) -> list[FacePoint]:
    found: list[FacePoint] = []
    for side in (-1, 1):
        for number in range(5):
            share = number / 4 if side > 0 else 1 - number / 4  # 0 at the nose
            rise = mimic.brows + mimic.inner_brows * (1 - share) + 0.004 * math.sin(math.pi * share)
            found.append(((side * (0.008 + 0.02 * share), BROW + rise, 0.055), (side * 0.3, 0.0, 0.95)))
    return found


def _nose() -> list[FacePoint]:
    bridge: list[FacePoint] = [((0.0, 0.932 - 0.008 * number, 0.056 + 0.003 * number), AHEAD) for number in range(4)]
    return [*bridge, *(((0.003 * (number - 2), 0.902, 0.06), AHEAD) for number in range(5))]


def _eyes(mimic: _Mimic) -> list[FacePoint]:
    found: list[FacePoint] = []
    for side in (-1, 1):
        for number in range(6):
            turn = math.pi - math.pi * number / 3
            x, y = side * EYE_APART + 0.007 * math.cos(turn), EYE + mimic.eyes * math.sin(turn)
            found.append(((x, y, EYE_DEEP), (side * 0.4, 0.0, 0.92)))
    return found


def _mouth(mimic: _Mimic) -> list[FacePoint]:
    found: list[FacePoint] = []
    for count, wide, high in ((12, mimic.wide, mimic.lips), (8, 0.8 * mimic.wide, mimic.opened)):
        for number in range(count):
            turn = math.pi - 2 * math.pi * number / count
            x = math.cos(turn)
            place = (wide * x, MOUTH + high * math.sin(turn) + mimic.corners * x * x, MOUTH_DEEP - 0.006 * x * x)
            found.append((place, (0.3 * x, 0.0, 0.95)))
    return found


def _pupils() -> list[FacePoint]:
    return [((side * EYE_APART, EYE, EYE_DEEP), (side * 0.4, 0.0, 0.92)) for side in (-1, 1)]
