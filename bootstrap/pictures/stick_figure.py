"""A control picture of a pose: a skeleton on black in the colours of OpenPose's layout of 18 joints (COCO).

Joints, limbs and colours are OpenPose's (Cao et al., arXiv 1812.08008), as ControlNet's annotator draws them: limbs as
ellipses of 60 % of their colour, joints as discs over them, 8 pixels thick at 512. Knows no view and no shot by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from PIL import Image, ImageDraw

from bootstrap.pictures.face_points import face_points
from bootstrap.pictures.skeleton import Camera, Point, placed, seen

__all__ = ["FRAMINGS", "stick_figure"]

JOINTS = (
    "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
    "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "right eye", "left eye",
    "right ear", "left ear",
)  # fmt: skip
LIMBS = (
    ("neck", "right shoulder"), ("neck", "left shoulder"), ("right shoulder", "right elbow"),
    ("right elbow", "right wrist"), ("left shoulder", "left elbow"), ("left elbow", "left wrist"),
    ("neck", "right hip"), ("right hip", "right knee"), ("right knee", "right ankle"), ("neck", "left hip"),
    ("left hip", "left knee"), ("left knee", "left ankle"), ("neck", "nose"), ("nose", "right eye"),
    ("right eye", "right ear"), ("nose", "left eye"), ("left eye", "left ear"),
)  # fmt: skip
COLORS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255),
    (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""Of the joints, and of the limbs."""
LIMB_SHARE = 0.6
THICK = 64
"""Sides of the picture's shorter side in the thickness of a limb."""
HEAD = ("top", "neck", "nose", "right ear", "left ear", "right eye", "left eye")
BUST = (*HEAD, "right shoulder", "left shoulder", "chest")
FRAMINGS: Mapping[str, tuple[str, ...]] = {
    "close-up": HEAD,
    "portrait": BUST,
    "upper body": (*BUST, "right elbow", "left elbow", "right wrist", "left wrist", "right hip", "left hip", "middle"),
    "full body": (*JOINTS, "top"),
}
"""Framing → what must be in the picture. All but the last are cut by its lower border."""
DOT = 512 / 3
"""Sides of the picture's shorter side in the radius of a point of the face: 3 pixels at 512."""
ON_FACE = "face "
"""How the names of the points of a face begin, among the joints."""
MARGIN = 0.08
"""Share of the picture around what must be in it."""
CORNERS = 24
"""Of the ellipse of a limb."""


def stick_figure(size: tuple[int, int], pose: str, framing: str, camera: Camera, expression: str = "") -> Image.Image:
    """A skeleton in a picture of ``size`` pixels; ``pose`` is one of `POSES`, ``framing`` one of `FRAMINGS`.

    With one of `EXPRESSIONS` the points of its face are marked as white dots. A joint beyond the picture is left out
    with its limbs, as a detector leaves it out.
    """
    found = placed(pose, camera)
    for number, point in enumerate(seen(face_points(expression), camera) if expression else ()):
        found[f"{ON_FACE}{number}"] = point
    joints = _in_picture(found, FRAMINGS[framing], size)
    image = Image.new("RGB", size)
    draw, thick = ImageDraw.Draw(image), min(size) / THICK
    for (start, end), color in zip(LIMBS, COLORS, strict=False):  # there is one limb less
        if start in joints and end in joints:
            draw.polygon(_ellipse(joints[start], joints[end], thick / 2), tuple(int(LIMB_SHARE * one) for one in color))
    for name, color in zip(JOINTS, COLORS, strict=True):
        if name in joints:
            x, y = joints[name]
            draw.ellipse(
                [round(x - thick / 2), round(y - thick / 2), round(x + thick / 2), round(y + thick / 2)], color
            )
    dot = min(size) / DOT
    for name, (x, y) in joints.items():
        if name.startswith(ON_FACE):
            draw.ellipse([round(x - dot), round(y - dot), round(x + dot), round(y + dot)], (255, 255, 255))
    return image


def _in_picture(found: Mapping[str, Point], wanted: tuple[str, ...], size: tuple[int, int]) -> dict[str, Point]:
    """The joints inside a picture that shows all ``wanted`` of them, in pixels from its upper left corner."""
    width, height = size
    shown = [found[name] for name in wanted if name in found]
    left, right = min(x for x, _ in shown), max(x for x, _ in shown)
    low, high = min(y for _, y in shown), max(y for _, y in shown)
    below = MARGIN if "right ankle" in wanted else 0.0
    room = (1 - MARGIN - below) * height
    scale = min((1 - 2 * MARGIN) * width / (right - left), room / (high - low))
    top = MARGIN * height + (room - scale * (high - low)) * (1 if not below else 0.5)
    placed_at = {}
    for name, (x, y) in found.items():
        across, down = width / 2 + scale * (x - (left + right) / 2), top + scale * (high - y)
        if 0 <= across <= width and 0 <= down <= height:
            placed_at[name] = across, down
    return placed_at


def _ellipse(start: Point, end: Point, across: float) -> list[Point]:
    """The corners of an ellipse between two points, ``across`` pixels from its axis to its border."""
    (x0, y0), (x1, y1) = start, end
    along, angle = math.dist(start, end) / 2, math.atan2(y1 - y0, x1 - x0)
    corners: list[Point] = []
    for number in range(CORNERS):
        turn = 2 * math.pi * number / CORNERS
        u, v = along * math.cos(turn), across * math.sin(turn)
        x, y = u * math.cos(angle) - v * math.sin(angle), u * math.sin(angle) + v * math.cos(angle)
        corners.append((round((x0 + x1) / 2 + x), round((y0 + y1) / 2 + y)))
    return corners
