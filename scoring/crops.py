"""Subject crops, so that like is compared with like: head with head, body with body.

Whole-picture embeddings score backgrounds and zoom as well. Knows only PIL: the caller says where head and body stand
in a picture of each framing; a head finder corrects it picture by picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from PIL import Image

from scoring.measurement import Picture

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as fractions of the picture's width and height."""

CROPS = ("head", "body")
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
HEAD_PER_FACE = 1.9
"""Side of a head box over the longer side of its face box (waifuc's three-stage split: 1.5 of a larger box)."""
SMALLEST = 0.25
"""A crop whose shorter side is a smaller fraction of the picture shows too little to compare: it is left out."""
SMALLEST_PIXELS = 24
"""A head that was found is left out when its shorter side has fewer pixels."""


class HeadFinder(Protocol):
    """Finds the head in a picture."""

    @property
    def fingerprint(self) -> str:
        """Changes when heads would be found elsewhere."""

    def look(self, pictures: Sequence[Picture]) -> None:
        """Find the heads of pictures together."""

    def head(self, picture: Picture) -> Box | None:
        """The head's box; None where it was not found."""


class Crops:
    """Cuts head and body out of pictures by composition; heads where a finder, if one is given, has found them.

    Args:
        composition: framing → crop name → box. A framing that is not in it is taken as ``fallback``.
        fallback: framing used for an unknown or empty one; "" or an unknown one cuts nothing.
        square: pad a crop to a square with its own border instead of leaving its aspect to the encoder.
        finder: finds heads in pictures; None: heads are cut by composition alone.

    Raises:
        ValueError: a box is empty or leaves the picture.
    """

    def __init__(
        self,
        composition: Mapping[str, Mapping[str, Box]],
        fallback: str = "upper body",
        square: bool = False,
        finder: HeadFinder | None = None,
    ) -> None:
        for framing, boxes in composition.items():
            for crop, box in boxes.items():
                if not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
                    raise ValueError(f"composition.{framing}.{crop}: box '{list(box)}' is not within 0..1")
        self._composition = {framing: dict(boxes) for framing, boxes in composition.items()}
        self._fallback = fallback
        self._square = square
        self._finder = finder

    def with_whole(self) -> Crops:
        """The same crops, and the whole picture as one of them, "whole"."""
        composition = {framing: {**boxes, "whole": WHOLE} for framing, boxes in self._composition.items()}
        return Crops(composition, self._fallback, self._square, self._finder)

    @property
    def fingerprint(self) -> str:
        """The settings as one line."""
        boxes = sorted((framing, sorted(boxes.items())) for framing, boxes in self._composition.items())
        return f"crops:{boxes}:{self._square}" + (f":{self._finder.fingerprint}" if self._finder else "")

    def look(self, pictures: Sequence[Picture]) -> None:
        """Find the heads of pictures together, before they are cut."""
        if self._finder:
            self._finder.look(pictures)

    def found(self, picture: Picture) -> Box | None:
        """The head's box where the finder saw a head that is large enough; else None."""
        box = self._finder.head(picture) if self._finder else None
        if box is None:
            return None
        sides = (box[2] - box[0]) * picture.image.width, (box[3] - box[1]) * picture.image.height
        return box if min(sides) >= SMALLEST_PIXELS else None

    def place(self, picture: Picture, crop: str) -> Box | None:
        """Where ``crop`` is cut out of a picture: where it was found, else by composition; None if it is not seen."""
        return (self.found(picture) if crop == "head" else None) or self.box(picture.framing, crop)

    def box(self, framing: str, crop: str) -> Box | None:
        """Where ``crop`` stands in a picture of that framing; None if it is not seen there, or too little of it."""
        boxes = self._composition.get(framing) or self._composition.get(self._fallback, {})
        box = boxes.get(crop)
        if box is None or min(box[2] - box[0], box[3] - box[1]) < SMALLEST:
            return None
        return box

    def key(self, picture: Picture, crop: str) -> str:
        """A name of the crop that says how it was cut, for `Features`."""
        if crop == "head" and self._finder and self.found(picture):
            return f"{crop}:{self._finder.fingerprint}:{self._square}"
        return f"{crop}:{self.box(picture.framing, crop)}:{self._square}"

    def cut(self, picture: Picture, crop: str) -> Image.Image | None:
        """The crop ("head" or "body") of a picture, RGB; None if it does not show it."""
        box = self.place(picture, crop)
        if box is None:
            return None
        width, height = picture.image.size
        pixels = (round(box[0] * width), round(box[1] * height), round(box[2] * width), round(box[3] * height))
        cut = picture.image.convert("RGB").crop(pixels)
        return padded_square(cut) if self._square else cut


def head_from_face(face: Box, per_face: float = HEAD_PER_FACE) -> Box:
    """The head box around a face box, clipped to the picture: hair and chin included, a little more above.

    ``per_face`` is the side of the head over the longer side of the face; where it is 1 the face's box is the head's.
    """
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    width, height = face[2] - face[0], face[3] - face[1]
    half = max(width, height) * per_face / 2
    y -= 0.15 * height * (per_face - 1) / (HEAD_PER_FACE - 1)
    return max(0.0, x - half), max(0.0, y - half), min(1.0, x + half), min(1.0, y + half)


def padded_square(image: Image.Image) -> Image.Image:
    """The image in the middle of a square of its mean colour."""
    side = max(image.size)
    mean = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    canvas = Image.new("RGB", (side, side), mean)
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas
