"""How a base is steered by control pictures, as validated data. Imports no model library."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ControlSettings"]


class ControlSettings(BaseModel):
    """A ControlNet for a base: its folder, and how it is used."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str = Field(min_length=1)
    """Its folder as diffusers saves it, or the id of a model in the Hugging Face cache."""
    kind: Literal["openpose", "depth", "lineart"]
    """What its control pictures are: skeletons in OpenPose's colours, depth maps (near is white), white lines."""
    pictures: str = ""
    """Folder of control pictures, named after what they show; empty: skeletons are drawn for each view and pose."""
    faces: bool = False
    """Mark the points of the face in skeletons, for the expression of the shot: for a ControlNet that was trained with
    them."""
    view_families: tuple[str, ...] = ("behind", "above", "below")
    """View families that are drawn with a control picture: those that bases do not draw by words."""
    scale: float = Field(1.0, gt=0, le=2)
    """How strongly it is heeded."""
    start: float = Field(0.0, ge=0, lt=1)
    """Share of the steps before it is heeded."""
    end: float = Field(1.0, gt=0, le=1)
    """Share of the steps after which it is heeded no more; a lower one leaves details to the base."""
    license: str = ""
    """Of the ControlNet."""

    @model_validator(mode="after")
    def _some_steps(self) -> ControlSettings:
        if self.start >= self.end:
            raise ValueError(f"control.start {self.start:g} must lie below control.end {self.end:g}")
        if self.kind != "openpose" and not self.pictures:
            raise ValueError(
                f"control.pictures names no folder: only skeletons are drawn, and this one takes {self.kind}"
            )
        return self
