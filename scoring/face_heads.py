"""Where the head stands in a picture, by its face; for pictures that do not keep to their composition.

Knows no framing: `Crops` falls back on the composition where no sure face was found.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoring.crops import HEAD_PER_FACE, Box, head_from_face
from scoring.faces_found import FaceFinder
from scoring.measurement import Picture

__all__ = ["FaceHeads"]


class FaceHeads:
    """Heads around the largest face of a picture.

    Args:
        pack: a face pack, or a detector; each picture is shown to them once, whoever asks.
        min_det_score: a face is surer than this.
        per_face: side of the head's box over the longer side of the face's; 1 for a pack that boxes whole heads.
    """

    def __init__(self, pack: FaceFinder, min_det_score: float = 0.5, per_face: float = HEAD_PER_FACE) -> None:
        self._pack, self._min, self._per_face = pack, min_det_score, per_face
        self.fingerprint = f"{pack.fingerprint}:{min_det_score}:{per_face}"

    def look(self, pictures: Sequence[Picture]) -> None:
        """Find the faces of pictures together."""
        self._pack.look(pictures)

    def head(self, picture: Picture) -> Box | None:
        """The head's box in fractions of the picture; None where no sure face was found."""
        found = self._pack.faces(picture)
        if not found or found[0].det_score < self._min:
            return None
        return head_from_face(found[0].box, self._per_face)
