"""Where the head stands in a seed: as its framing usually has it, or where a face was found elsewhere.

A panel's composition is a rule of thumb. It does not hold for a picture whose subject stands aside of the middle or
that is padded to a square: a crop by the rule would show half a head. Loads no model: what finds faces, and what reads
close-ups, is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bootstrap.config import PanelConfig
from bootstrap.pictures import square
from bootstrap.records import Box, Seed
from bootstrap.seeds.figures import DIRT, outline
from bootstrap.seeds.pictured_heads import CloseUps, pictured_head
from scoring.crops import head_from_face
from scoring.measurement import Picture, digest_of

if TYPE_CHECKING:
    from scoring.faces_found import FaceFinder

__all__ = ["outlined_head", "with_head"]

AGREE = 0.5
"""Overlap (intersection over union) at which a face is where the composition has the head; packs that were trained on
drawings box the whole head, so either may overlap."""


def with_head(
    seed: Seed, image: Image.Image, faces: FaceFinder | None, panel: PanelConfig, close_ups: CloseUps | None = None
) -> Seed:
    """The seed with its head as fractions of its square, where it is found aside of the composition's head.

    A sure face says where. Where none is seen, the outline on a plain ground does, unless the panel trusts its
    composition in pictures without a face; on any other ground what stands out and reads as a close-up does. Where
    nothing is sure, the head is not known.
    """
    if not any("head" in boxes for boxes in panel.composition.values()):
        return seed  # of a kind that has none
    whole = square(image)
    found = faces.faces(Picture(whole, digest_of(whole), "", "")) if faces else []
    if found and found[0].det_score >= panel.models.face.min_det_score:
        return _moved(seed, head_from_face(found[0].box, panel.models.face.head_per_face), found[0].box, panel)
    if faces and panel.heads == "composition":
        return seed
    head = outlined_head(whole, panel.composition.get(seed.framing, {}))
    if head is None and close_ups is not None:
        head = pictured_head(whole, seed.framing, panel.composition, close_ups)
    return replace(seed, head_known=False) if head is None else _moved(seed, head, head, panel)


def outlined_head(whole: Image.Image, composition: Mapping[str, Box]) -> Box | None:
    """Where the head stands in a square picture on a plain ground, by the proportions of a framing's ``composition``.

    The outline has the height of the composition from the head's top to the body's end; the head is its upper part, in
    the middle of what is drawn there. None on any other ground. Of 80 puppets in upper and full body that stand aside,
    two thirds of the heads were found so, by an overlap of half and more, and none by the framing alone.
    """
    drawn = outline(whole)
    if drawn is None or not {"head", "body"} <= set(composition):
        return None
    rows = np.flatnonzero(drawn.mean(axis=1) > DIRT)
    if not len(rows):
        return None
    (_, top, _, chin), (*_, end) = composition["head"], composition["body"]
    first, last = int(rows[0]), int(rows[-1]) + 1
    height = (last - first) * (chin - top) / (end - top)
    columns = drawn[first : round(first + height)].sum(axis=0)
    middle = float(np.average(np.arange(len(columns)) + 0.5, weights=columns))
    left, right = (middle - height / 2) / len(columns), (middle + height / 2) / len(columns)
    return max(0.0, left), first / len(drawn), min(1.0, right), min(1.0, (first + height) / len(drawn))


def _moved(seed: Seed, head: Box, found: Box, panel: PanelConfig) -> Seed:
    """The seed with its ``head``, unless that, or what was ``found`` of it, is where the composition has it."""
    usual = panel.composition.get(seed.framing, {}).get("head")
    if usual and max(_overlap(head, usual), _overlap(found, usual)) >= AGREE:
        return seed
    return replace(seed, head=head)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    inside = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return inside / (sum(areas) - inside)
