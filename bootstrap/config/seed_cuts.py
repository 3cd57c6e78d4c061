"""What is cut out of pictures for training besides the tighter framings of seeds: settings of a base.

Knows no picture.
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from bootstrap.config.frozen import Frozen

__all__ = ["EVERY_CUT", "Altered", "Part", "SeedCutsConfig"]

Part = Literal["eyes", "hair", "body", "left", "right"]
Altered = Literal["greyscale", "aspect", "sepia", "rotation"]


class SeedCutsConfig(Frozen):
    """The cuts of a seed that anchors; mirrored copies are none of them: what is on one side would be on both."""

    parts: tuple[Part, ...] = ()
    """Parts that are cut out where the head is known and they have enough pixels; left and right are the halves."""
    altered: tuple[Altered, ...] = ("greyscale",)
    """Copies of the whole picture: without its colours, tall, in one colour, turned a little."""

    details: float = Field(0.0, ge=0, lt=1)
    """Close-ups of special details (`SubjectConfig.details`) as a share of a set, cut out of seeds and kept pictures.
    Guides to character LoRAs say 0.05."""
    sections: int = Field(0, ge=0, le=5)
    """Sections that are cut out wherever they stand, as the tightest framing: four corners, then the middle."""

    @property
    def most(self) -> int:
        """Training pictures that a seed gives at most: itself, three tighter framings, and these."""
        return 4 + len(self.parts) + len(self.altered) + self.sections


EVERY_CUT = SeedCutsConfig(parts=get_args(Part), altered=get_args(Altered))
"""All that can be made of a seed."""
