"""How a base draws from reference pictures, as validated data. Imports no model library."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ReferenceSettings"]


class ReferenceSettings(BaseModel):
    """How a base draws from references: through an IP-Adapter, its own self-attention, or as it was trained to."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str = ""
    """An IP-Adapter's folder, or the id of a model in the Hugging Face cache; ``embedded:reference`` is in this
    package. Empty: no adapter."""
    file: str = ""
    """The adapter's .safetensors file in that folder, with its subfolder."""
    image_encoder: str = "image_encoder"
    """The image encoder's folder in that folder."""
    crop: Literal["whole", "head"] = "whole"
    """What is shown of a reference: the whole picture, or the head, as an adapter of faces was trained to see it."""
    attention: float = Field(0.0, ge=0, le=4)
    """How much a picture's self-attention heeds the reference, at a strength of 1: 1 as much as itself; 0 is off."""
    native: bool = False
    """The base sees references beside what it draws, as it was trained to (FLUX.2 klein); at a strength of 1 as its own
    pipeline shows them."""
    strength: float = Field(0.5, gt=0, le=2)
    """How strongly a reference is heeded: more is more alike, and obeys words less."""
    strengths: tuple[Annotated[float, Field(gt=0, le=2)], ...] = ()
    """Strengths that are tried before the first wave; each view family is drawn with the one whose pictures pass most
    often and are most surely the seed's. Empty: ``strength`` everywhere."""
    trial_pictures: int = Field(4, ge=1)
    """Pictures of each view family that are drawn at each of the ``strengths``, and as many of somebody else."""
    most: int = Field(1, ge=1, le=16)
    """References of a picture: the seeds, those of its own view family first."""
    with_lora: bool = True
    """Whether the LoRA of the round draws too. Where the base with references draws better without one, none is trained
    before the finished one, and one round draws the set."""
    beside_steps: int = Field(0, ge=0, le=100_000)
    """Steps of a LoRA that is trained on the seeds while the base is shown references, once a run, and draws with
    these: it learns what they leave out, and one round draws the set. 0: the LoRA of each round is trained in words.
    Many steps draw the seeds again."""
    license: str = ""
    """Of the adapter and its image encoder."""

    @model_validator(mode="after")
    def _tries_several(self) -> ReferenceSettings:
        if len(self.strengths) == 1 or len(set(self.strengths)) < len(self.strengths):
            raise ValueError("strengths takes two or more different ones; to set one, give strength")
        return self

    @model_validator(mode="after")
    def _draws_somehow(self) -> ReferenceSettings:
        if bool(self.path) != bool(self.file) or not (self.path or self.attention or self.native):
            raise ValueError("give path and file of an IP-Adapter, or attention above 0, or both, or native")
        if self.native and (self.path or self.attention):
            raise ValueError("native takes neither an IP-Adapter nor attention")
        return self
