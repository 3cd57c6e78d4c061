"""Which candidates begin from a good picture instead of noise, as validated data. Imports no model library."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["VariationSettings"]


class VariationSettings(BaseModel):
    """Image-to-image: candidates as variations of seeds and of pictures that a person approved."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    share: float = Field(0.3, gt=0, le=1)
    """Share of the candidates that begin from a picture of their own view family and framing, where there is one."""
    strength: float = Field(0.6, gt=0, lt=1)
    """Share of the denoising steps that are drawn; 1 would be noise alone. Less keeps more of the picture: composition
    from about 0.75 down, and what comes out the same is rejected as a near-duplicate."""
