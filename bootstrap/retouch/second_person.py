"""Somebody else beside a character: cropped away where both stand apart, else covered, else left with the reason.

Only what is sure is proposed: figures on a plain ground that gutters divide, each with one face, and faces that models
see as two characters. The character is the one whose face is clearly the largest. Knows no file and no model: what
models see is handed in as `bootstrap.seeds.sifting.Eyes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from bootstrap.records import Box
from bootstrap.retouch.repairs import Repair
from bootstrap.seeds.figures import figures
from bootstrap.seeds.sifting import DOUBT, Eyes

__all__ = ["SecondPerson", "second_person"]

LARGER = 1.25
"""Width of the character's face over that of the next, at least."""
SMALLEST = 256
"""Pixels of a side of a crop, at least: what would be smaller is covered instead."""
SOMEBODY = "somebody else beside the character"
MARK = "mark the region with --region"


@dataclass(frozen=True)
class SecondPerson:
    """What is proposed; ``why`` nothing is although several faces are seen, in words."""

    repairs: tuple[Repair, ...] = ()
    why: str = ""


def second_person(image: Image.Image, eyes: Eyes) -> SecondPerson:
    """What to do about somebody else in a picture; nothing, and no reason, where one face is seen or none."""
    faces = eyes.faces(image)
    if len(faces) < 2:
        return SecondPerson()
    seen = f"{len(faces)} faces are seen"
    boxes = _figures_of(faces, image)
    if not boxes:
        return SecondPerson(why=f"{seen}, and their figures do not stand apart on a plain ground: {MARK}")
    likeness = eyes.likeness([image.crop(box) for box in boxes])[0, 1:]
    if not (likeness < eyes.same - DOUBT).all():
        return SecondPerson(why=f"{seen}, and they may be one character: bootstrap init divides a sheet of views")
    if _width(faces[0]) < LARGER * _width(faces[1]):
        return SecondPerson(why=f"{seen}, and which of them is the character cannot be told: {MARK}")
    own, others = boxes[0], boxes[1:]
    if min(own[2] - own[0], own[3] - own[1]) >= SMALLEST:
        return SecondPerson((Repair("crop", _fractions(own, image), SOMEBODY),))
    return SecondPerson(tuple(Repair("cover", _fractions(box, image), SOMEBODY) for box in others))


def _figures_of(faces: Sequence[Box], image: Image.Image) -> list[tuple[int, int, int, int]]:
    """The box in pixels of each face's figure, in the order of the faces; [] where two share one, or one has none."""
    found = []
    boxes = figures(image, 1)
    for left, top, right, bottom in faces:
        x, y = (left + right) / 2 * image.width, (top + bottom) / 2 * image.height
        own = [box for box in boxes if box[0] <= x < box[2] and box[1] <= y < box[3]]
        if len(own) != 1 or own[0] in found:
            return []
        found += own
    return found


def _width(face: Box) -> float:
    return face[2] - face[0]


def _fractions(box: tuple[int, int, int, int], image: Image.Image) -> Box:
    return box[0] / image.width, box[1] / image.height, box[2] / image.width, box[3] / image.height
