"""A person's joints in three dimensions, posed, and seen by a camera: where each stands in a picture.

Lengths are shares of the stature: Drillis and Contini's segments (1966), as Winter prints them ("Biomechanics and Motor
Control of Human Movement", fig. 4.1); the head is an adult's, .09 broad and .12 deep. x points to the person's left, y
up, z forward; the middle of the hips is the origin. Draws nothing and knows no view by its name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["EYE", "POSES", "Camera", "Point", "Vector", "placed", "seen"]

Point = tuple[float, float]
Vector = tuple[float, float, float]
SHOULDER, HIP, KNEE, ANKLE, EYE, TOP = 0.818, 0.530, 0.285, 0.039, 0.936, 1.0
"""Heights above the ground."""
SHOULDERS, HIPS = 0.129, 0.0955
"""Half of their breadth."""
UPPER_ARM, FOREARM = 0.186, 0.146
THIGH, SHIN = HIP - KNEE, KNEE - ANKLE
CHEST = 0.45
"""Share of the way from the neck to the hips where a portrait ends."""
DISTANCE = 2.5
"""Of the camera, in statures: near enough that views from above and below foreshorten."""
HIDDEN = -0.2
"""How far a point of the face may point away from the camera and still be seen; an ear of a front view is."""
FACE: Mapping[str, tuple[Vector, Vector]] = {
    "nose": ((0.0, 0.905, 0.065), (0.0, 0.0, 1.0)),
    "right eye": ((-0.018, EYE, 0.05), (-0.4, 0.0, 0.92)),
    "left eye": ((0.018, EYE, 0.05), (0.4, 0.0, 0.92)),
    "right ear": ((-0.045, 0.92, 0.0), (-1.0, 0.0, 0.0)),
    "left ear": ((0.045, 0.92, 0.0), (1.0, 0.0, 0.0)),
}
"""Point of the face → its place above the ground, and where it looks."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a person is seen from.

    ``azimuth`` are the degrees by which they are turned, to the picture's right where positive; ``elevation`` those by
    which the camera stands above their middle.
    """

    azimuth: float = 0.0
    elevation: float = 0.0


@dataclass(frozen=True, slots=True)
class Limbs:
    """Directions of a side's limbs; x points away from the middle."""

    upper_arm: Vector = (0.15, -1.0, 0.0)
    forearm: Vector = (0.08, -1.0, 0.12)
    thigh: Vector = (0.03, -1.0, 0.0)
    shin: Vector = (0.0, -1.0, -0.03)


STANDING = Limbs()
SITTING = Limbs((0.15, -1.0, 0.15), (-0.1, -0.45, 0.9), (0.2, -0.15, 1.0), (0.03, -1.0, 0.1))
RAISED = Limbs((0.4, 1.0, 0.0), (0.05, 1.0, 0.05))
ON_HIPS = Limbs((0.75, -0.85, -0.15), (-0.8, -0.5, 0.4))
POSES: Mapping[str, tuple[Limbs, Limbs]] = {
    "standing": (STANDING, STANDING),
    "sitting": (SITTING, SITTING),
    "walking": (
        Limbs((0.1, -1.0, -0.35), (0.05, -1.0, 0.05), (0.0, -1.0, 0.4), (0.0, -1.0, -0.1)),
        Limbs((0.1, -1.0, 0.35), (0.0, -0.9, 0.45), (0.0, -1.0, -0.25), (0.0, -0.9, -0.5)),
    ),
    "running": (
        Limbs((0.15, -0.9, -0.6), (-0.05, -0.3, 0.9), (0.0, -0.7, 0.75), (0.0, -1.0, -0.25)),
        Limbs((0.15, -0.9, 0.5), (-0.1, 0.4, 0.9), (0.0, -1.0, -0.35), (0.0, -0.35, -0.9)),
    ),
    "waving": (Limbs((0.85, 0.2, 0.1), (0.2, 1.0, 0.15)), STANDING),
    "arms up": (RAISED, RAISED),
    "hands on hips": (ON_HIPS, ON_HIPS),
}
"""Pose → the limbs of the right side and of the left."""


def placed(pose: str, camera: Camera) -> dict[str, Point]:
    """Where the joints of a pose of `POSES` stand, (right, up) in statures; what the camera does not see is left out.

    Besides OpenPose's joints "top" of the head, "chest" and "middle" of the hips.
    """
    joints = {"neck": (0.0, SHOULDER, 0.0), "top": (0.0, TOP, 0.0), "middle": (0.0, HIP, 0.0)}
    joints["chest"] = (0.0, SHOULDER + CHEST * (HIP - SHOULDER), 0.0)
    for side, name, limbs in zip((-1, 1), ("right", "left"), POSES[pose], strict=True):
        shoulder, hip = (side * SHOULDERS, SHOULDER, 0.0), (side * HIPS, HIP, 0.0)
        elbow = _along(shoulder, limbs.upper_arm, UPPER_ARM, side)
        knee = _along(hip, limbs.thigh, THIGH, side)
        joints |= {f"{name} shoulder": shoulder, f"{name} elbow": elbow, f"{name} hip": hip, f"{name} knee": knee}
        joints[f"{name} wrist"] = _along(elbow, limbs.forearm, FOREARM, side)
        joints[f"{name} ankle"] = _along(knee, limbs.shin, SHIN, side)
    for name, (place, facing) in FACE.items():
        if _turned(facing, camera)[2] >= HIDDEN:
            joints[name] = place
    return {name: _projected((x, y - HIP, z), camera) for name, (x, y, z) in joints.items()}


def seen(points: Sequence[tuple[Vector, Vector]], camera: Camera) -> list[Point]:
    """Where points above the ground stand as `placed` has joints, each given with where it looks; those that look away
    from the camera are left out."""
    found = []
    for (x, y, z), facing in points:
        if _turned(facing, camera)[2] >= 0:
            found.append(_projected((x, y - HIP, z), camera))
    return found


def _along(start: Vector, direction: Vector, length: float, side: int) -> Vector:
    """The end of a limb."""
    x, y, z = direction
    share = length / math.hypot(x, y, z)
    return start[0] + side * x * share, start[1] + y * share, start[2] + z * share


def _turned(vector: Vector, camera: Camera) -> Vector:
    """A vector as the camera has it: right, up, and towards it."""
    x, y, z = vector
    turn, rise = math.radians(camera.azimuth), math.radians(camera.elevation)
    right, near = x * math.cos(turn) + z * math.sin(turn), z * math.cos(turn) - x * math.sin(turn)
    return right, y * math.cos(rise) - near * math.sin(rise), near * math.cos(rise) + y * math.sin(rise)


def _projected(place: Vector, camera: Camera) -> Point:
    right, up, near = _turned(place, camera)
    scale = DISTANCE / (DISTANCE - near)
    return right * scale, up * scale
