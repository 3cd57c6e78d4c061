"""How a base draws from reference pictures, as validated data. Imports no model library."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ReferenceSettings"]


class ReferenceSettings(BaseModel):
    """An IP-Adapter for a base: its files, and how it is used."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str = Field(min_length=1)
    """Its folder, or the id of a model in the Hugging Face cache; ``embedded:reference`` is in this package."""
    file: str = Field(min_length=1)
    """The adapter's .safetensors file in that folder, with its subfolder."""
    image_encoder: str = "image_encoder"
    """The image encoder's folder in that folder."""
    strength: float = Field(0.5, gt=0, le=1)
    """How strongly a reference is heeded: more is more alike, and obeys words less."""
    most: int = Field(1, ge=1, le=16)
    """References of a picture: the seeds, those of its own view family first."""
    with_lora: bool = True
    """Whether the LoRA of the round draws too. Where the base with references draws better without one, none is trained
    before the finished one, and one round draws the set."""
    license: str = ""
    """Of the adapter and its image encoder."""
