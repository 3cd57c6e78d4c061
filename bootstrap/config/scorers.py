"""What is said of each scorer of a panel: which model, and when it may speak. Parts of a PanelConfig.

Knows no file and loads nothing; `bootstrap.config.reading` reads, `bootstrap.panel.judges` seats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from bootstrap.config.frozen import Frozen
from bootstrap.records import VIEW_FAMILIES

__all__ = ["ClipConfig", "FaceConfig", "IdentityConfig", "TagViewConfig", "TaggerConfig"]


class ClipConfig(Frozen):
    """The OpenCLIP model that reads pictures."""

    model: str
    """An open_clip model name, or a folder with its config; ``embedded:clip`` is the shipped one."""
    pretrained: str = ""
    """Weights file; empty for the one in the folder."""


class FaceConfig(Frozen):
    """The insightface pack and when its embedding may speak (field scoring §1.4). ``face: none`` does without."""

    pack: str
    """Folder of the pack; ``embedded:face`` is the shipped one; empty switches faces off."""
    det_size: int = Field(640, ge=32)
    """Side in pixels that the detector sees."""
    upscale_to: int = Field(0, ge=0)
    """Pictures smaller than this are enlarged before detection; 0 leaves them."""
    min_det_score: float = Field(0.5, ge=0, le=1)
    """Below it a face is not scored."""
    min_size: float = Field(64, gt=0)
    """Shortest side of a face box, in pixels of the picture shown to the detector."""
    max_yaw: float = Field(40, gt=0, le=90)
    """A face turned further is not scored, in degrees."""
    head_per_face: float = Field(1.9, gt=0)
    """Side of a head over the longer side of its face box; 1 for a pack that boxes whole heads."""
    families: tuple[str, ...] = ("front", "three-quarter", "above", "below")
    """View families in which this pack tells individuals apart; elsewhere its answer is not applicable."""

    @model_validator(mode="before")
    @classmethod
    def _none(cls, given: Any) -> Any:
        return {"pack": ""} if given in (None, "", "none") else given


class IdentityConfig(Frozen):
    """A further encoder that compares a character with its seeds: ``ccip`` or ``dino``. ``none`` does without."""

    model: str = ""
    """Folder of the model, or the name of one that was fetched or is in the Hugging Face cache; empty: none."""
    crops: tuple[Literal["whole", "head", "body"], ...] = Field(("head", "body"), min_length=1)
    """What is compared with the same of the seeds."""
    threads: int = Field(0, ge=0)
    """Threads of onnxruntime; 0 leaves it to onnxruntime, 1 gives the same bits on every machine."""

    @model_validator(mode="before")
    @classmethod
    def _none(cls, given: Any) -> Any:
        return {"model": ""} if given in (None, "", "none") else given


class TagViewConfig(Frozen):
    """A view family by the tags of a tagger."""

    shows: tuple[str, ...] = ()
    """One of these must be seen; empty: nothing must, the view_family is what shows none of ``never``."""
    never: tuple[str, ...] = ()
    """None of these may be seen."""


class TaggerConfig(Frozen):
    """A booru tagger (WD v3, PixAI): it reads view, framing, traits and number of subjects. ``none``: CLIP does."""

    model: str = ""
    """Folder with model.onnx and selected_tags.csv, or the name of one that was fetched; empty: no tagger."""
    words: Mapping[str, str] = Field(default_factory=dict)
    """What a word of the vocabulary is called by the tagger, where it is not the word with underscores."""
    checked: tuple[str, ...] = ()
    """Identity axes that it reads well enough to check on every frame."""
    captioned: tuple[str, ...] = ()
    """Axes that it reads well enough to drop a caption's tag when the picture shows another word of the axis."""
    views: Mapping[str, TagViewConfig] = Field(default_factory=dict)
    """View family → its tags; a family that is not named is not checked."""
    seen: float = Field(0.35, gt=0, lt=1)
    """Probability from which a tag counts as seen."""
    unseen: float = Field(0.6, gt=0, lt=1)
    """Probability from which a tag that may not be there counts against a picture."""
    trait_margin: float = -1.0
    """Log-odds by which a visible trait may trail at most."""
    framing_margin: float | None = -3.0
    """Log-odds by which the asked framing may trail at most; null does not check framings."""
    threads: int = Field(0, ge=0)
    """Threads of onnxruntime; 0 leaves it to onnxruntime, 1 gives the same bits on every machine."""

    @model_validator(mode="before")
    @classmethod
    def _none(cls, given: Any) -> Any:
        return {"model": ""} if given in (None, "", "none") else given

    @model_validator(mode="after")
    def _families(self) -> TaggerConfig:
        if unknown := [name for name in self.views if name not in VIEW_FAMILIES]:
            raise ValueError(f"views: no view_family '{unknown[0]}'; there are {', '.join(VIEW_FAMILIES)}")
        return self
