"""Subject crops, so that like is compared with like: head with head, body with body.

Whole-picture embeddings score backgrounds and zoom (field practice). Knows only PIL: where head and body stand in a
picture of each framing is told by the caller; a detector's face box may refine the head.
"""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image

from scoring.base import Picture

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, as fractions of the picture's width and height."""

CROPS = ("head", "body")
HEAD_PER_FACE = 1.9
"""Side of a head box over the longer side of its face box (waifuc's three-stage split: 1.5 of a larger box)."""
SMALLEST = 0.25
"""A crop whose shorter side is a smaller fraction of the picture shows too little to compare: it is left out."""


class Crops:
    """Cuts head and body out of pictures by composition.

    Args:
        composition: framing → crop name → box. A framing that is not in it is taken as ``fallback``.
        fallback: framing used for an unknown or empty one; "" or an unknown one cuts nothing.
        square: pad a crop to a square with its own border instead of leaving its aspect to the encoder.

    Raises:
        ValueError: a box is empty or leaves the picture.
    """

    def __init__(
        self, composition: Mapping[str, Mapping[str, Box]], fallback: str = "upper body", square: bool = False
    ) -> None:
        for framing, boxes in composition.items():
            for crop, box in boxes.items():
                if not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
                    raise ValueError(f"composition.{framing}.{crop}: box '{list(box)}' is not within 0..1")
        self._composition = {framing: dict(boxes) for framing, boxes in composition.items()}
        self._fallback = fallback
        self._square = square

    @property
    def fingerprint(self) -> str:
        """The settings as one line."""
        return f"crops:{sorted((f, sorted(b.items())) for f, b in self._composition.items())}:{self._square}"

    def box(self, framing: str, crop: str) -> Box | None:
        """Where ``crop`` stands in a picture of that framing; None if it is not seen there, or too little of it."""
        boxes = self._composition.get(framing) or self._composition.get(self._fallback, {})
        box = boxes.get(crop)
        if box is None or min(box[2] - box[0], box[3] - box[1]) < SMALLEST:
            return None
        return box

    def key(self, picture: Picture, crop: str) -> str:
        """A name of the crop that says how it was cut, for `Features`."""
        return f"{crop}:{self.box(picture.framing, crop)}:{self._square}"

    def cut(self, picture: Picture, crop: str, face: Box | None = None) -> Image.Image | None:
        """The crop of a picture, RGB; None if that framing does not show it.

        Args:
            picture: what to cut from.
            crop: "head" or "body".
            face: a detector's face box in fractions; refines the head.
        """
        box = head_from_face(face) if face and crop == "head" else self.box(picture.framing, crop)
        if box is None:
            return None
        width, height = picture.image.size
        pixels = (round(box[0] * width), round(box[1] * height), round(box[2] * width), round(box[3] * height))
        cut = picture.image.convert("RGB").crop(pixels)
        return padded_square(cut) if self._square else cut


def head_from_face(face: Box) -> Box:
    """The head box around a face box, clipped to the picture: hair and chin included, a little more above."""
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    width, height = face[2] - face[0], face[3] - face[1]
    half = max(width, height) * HEAD_PER_FACE / 2
    y -= 0.15 * height
    return max(0.0, x - half), max(0.0, y - half), min(1.0, x + half), min(1.0, y + half)


def padded_square(image: Image.Image) -> Image.Image:
    """The image in the middle of a square of its mean colour."""
    side = max(image.size)
    mean = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    canvas = Image.new("RGB", (side, side), mean)
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas
