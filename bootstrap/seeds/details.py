"""Special details of a character, such as a mark, an emblem, ears or a tail: which there are, and where each stands.

Where a detail stands follows from the head and from the panel's composition; no model looks for it. What a person holds
or wears in an unusual place is not known. Knows no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from bootstrap.config.subject import DetailPlace
from bootstrap.records import Box
from bootstrap.seeds.cuts import Composition, sized

__all__ = ["CLOSE", "Detail", "close_up", "detail_box", "details_in", "pixels_of"]

CLOSE = "close-up"
"""What captions call such a picture, beside the detail."""


class _Place(NamedTuple):
    """Where a detail stands: ``down`` 0 at the top of the head, 1 at its bottom, 2 at the end of the body; its ``side``
    in heads."""

    down: float
    side: float


PLACES: Mapping[DetailPlace, _Place] = {
    "crown": _Place(0.1, 1.0),
    "face": _Place(0.6, 0.8),
    "neck": _Place(1.03, 0.8),
    "chest": _Place(1.2, 1.0),
    "back": _Place(1.25, 1.8),
    "waist": _Place(1.45, 1.0),
    "hips": _Place(1.5, 1.4),
    "feet": _Place(1.93, 1.2),
}
FINEST = 0.2
"""A detail with fewer of the wanted pixels than this is left out: its close-up would be a blur."""
LEAST = 0.5
"""A close-up shows at least this share of the wanted pixels: it is enlarged to at most twice its size."""
MOST = 0.8
"""A close-up of a larger share of the picture is the picture."""
OUTSIDE = 0.1
"""Share of the window that may lie beyond the picture."""


@dataclass(frozen=True)
class Detail:
    """One detail: the axis of its tag, the tag, the word in it that says where it stands ("ears"), and that place."""

    axis: str
    tag: str
    word: str
    place: DetailPlace

    @property
    def focus(self) -> str:
        """What a caption calls a close-up of it."""
        return f"{self.word} focus"


def details_in(tags: Mapping[str, str], places: Mapping[DetailPlace, Sequence[str]]) -> list[Detail]:
    """The details among tags (axis → tag); ``places`` maps a place to the words of what stands there.

    The last word that is known decides: a "star mark on the cheek" is on the face.
    """
    known = {word: place for place, words in places.items() for word in words}
    found = []
    for axis, tag in tags.items():
        words = [word for word in tag.lower().replace("-", " ").replace("_", " ").split() if word in known]
        if words:
            found.append(Detail(axis, tag, words[-1], known[words[-1]]))
    return found


def detail_box(detail: Detail, head: Box, composition: Composition) -> Box | None:
    """The square window around a detail, in fractions of the square around a picture whose ``head`` is given.

    None where it lies beyond the picture. The length of the body is that of the widest framing of ``composition``.
    """
    widest = composition[[*composition][-1]] if composition else {}
    if not {"head", "body"} <= set(widest):
        return None
    (_, top, _, chin), (*_, end) = widest["head"], widest["body"]
    size, place = head[3] - head[1], PLACES[detail.place]
    body = size * (end - chin) / (chin - top)
    y = head[1] + place.down * size if place.down <= 1 else head[3] + (place.down - 1) * body
    x, half = (head[0] + head[2]) / 2, place.side * size / 2
    box = (x - half, y - half, x + half, y + half)
    beyond = OUTSIDE * 2 * half
    return box if min(box[:2]) >= -beyond and max(box[2:]) <= 1 + beyond else None


def pixels_of(box: Box, width: int, side: int) -> float:
    """The pixels of a detail in a square picture of this ``width``; 0 where no close-up of ``side`` pixels is made."""
    share = box[2] - box[0]
    enough = share * width >= FINEST * side and max(share, LEAST * side / width) <= MOST
    return share * width if enough else 0.0


def close_up(whole: Image.Image, box: Box, side: int) -> Image.Image:
    """A detail of a square picture at ``side`` pixels, with what stands around it where it is small."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half = max(box[2] - box[0], LEAST * side / whole.width) / 2
    return sized(whole, side, (x - half, y - half, x + half, y + half))
