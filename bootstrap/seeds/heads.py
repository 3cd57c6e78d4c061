"""Where the head stands in a seed: as its framing usually has it, or where a face was found elsewhere.

A panel's composition is a rule of thumb. It does not hold for a picture whose subject stands aside of the middle or
that is padded to a square: a crop by the rule would show half a head. Loads no model: the face pack is handed in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from bootstrap.config import PanelConfig
from bootstrap.pictures import square
from bootstrap.records import Box, Seed
from scoring.crops import head_from_face
from scoring.measurement import Picture, digest_of

if TYPE_CHECKING:
    from scoring.face_pack import FacePack

__all__ = ["with_head"]

AGREE = 0.5
"""Overlap (intersection over union) at which a face is where the composition has the head; packs that were trained on
drawings box the whole head, so either may overlap."""


def with_head(seed: Seed, image: Image.Image, faces: FacePack, panel: PanelConfig) -> Seed:
    """The seed with its head as fractions of its square, where a sure face is found aside of the composition's head."""
    whole = square(image)
    found = faces.faces(Picture(whole, digest_of(whole), "", ""))
    usual = panel.composition.get(seed.framing, {}).get("head")
    if not found or found[0].det_score < panel.models.face.min_det_score:
        return seed
    head = head_from_face(found[0].box, panel.models.face.head_per_face)
    if usual and max(_overlap(head, usual), _overlap(found[0].box, usual)) >= AGREE:
        return seed
    return replace(seed, head=head)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    inside = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return inside / (sum(areas) - inside)
