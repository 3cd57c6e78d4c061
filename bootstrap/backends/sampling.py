"""How pictures are sampled, as validated data. Imports no model library, so that configs are checked without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Quantised = Literal["none", "8bit", "4bit"]
"""Bits of a frozen weight; "none" for those of the type that the base computes in."""
BYTES_A_WEIGHT = {"8bit": 1.0, "4bit": 0.5 + 1 / 64 + 4 / (64 * 256)}
"""Of a quantised weight, its share of a row's or block's scale among them: a block of 64 has one byte, 256 of these
four."""

ADDED_LATER: dict[str, object] = {
    "zero_terminal_snr": None, "guidance_rescale": 0.0, "offload": False, "timestep_spacing": None, "vae": "",
    "shapes": {}, "quantise": "none",
}  # fmt: skip
"""Settings that the first version did not have, with the value that changes nothing."""


class SamplingSettings(BaseModel):
    """The settings of generation; they are part of a backend's fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    steps: int = Field(20, ge=1, le=1000)
    """Denoising steps."""
    guidance_scale: float = Field(4.0, ge=1)
    """Classifier-free guidance; 1 switches it off."""
    scheduler: Literal["ddim", "dpm++", "dpm++_karras", "euler", "euler_a"] = "ddim"
    """Sampler; ``dpm++`` is DPM++ 2M (on Karras' sigmas: ``dpm++_karras``), ``euler_a`` Euler ancestral."""
    batch_size: int = Field(16, ge=1)
    """Pictures in a fixed batch."""
    width: int = Field(96, ge=8, multiple_of=8)
    """Pixels."""
    height: int = Field(96, ge=8, multiple_of=8)
    """Pixels."""
    shapes: Mapping[str, tuple[tuple[int, int], ...]] = Field(default_factory=dict)
    """Framing → shapes in which its pictures are drawn, in turn: width to height. Others have the base's."""
    clip_skip: int | None = Field(None, ge=1)
    """Text encoder layers left out from the end; null for none. 1 is what user interfaces call "clip skip 2"."""
    prediction_type: Literal["epsilon", "v_prediction"] | None = None
    """Null reads it from the base's scheduler."""
    zero_terminal_snr: bool | None = None
    """A schedule that ends in pure noise, as some v-prediction bases were trained on; null reads it from the base."""
    guidance_rescale: float = Field(0.0, ge=0, le=1)
    """Share by which the contrast that guidance adds is taken back (arXiv 2305.08891); 0 leaves it."""
    timestep_spacing: Literal["leading", "trailing"] | None = None
    """Where the steps lie; ``trailing`` begins in pure noise, which few steps need; null reads it from the base."""
    vae: str = ""
    """Path of a .safetensors VAE in place of the base's own; empty: its own."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Weights of denoiser and text encoders, and arithmetic; auto takes the fastest that is safe on the device."""
    quantise: Quantised = "none"
    """Bits in which the weights of linear layers are loaded, text encoders' too; 8bit and 4bit need bitsandbytes."""
    offload: bool = False
    """Text encoders are on the device only while they encode, the VAE then not, and it works in tiles: for 8 GB."""

    @model_validator(mode="after")
    def _shapes_are_no_strips(self) -> SamplingSettings:
        refuse_strips(self.shapes)
        return self

    def identity(self) -> str:
        """The settings as text that tells them apart; settings added later are left out where they change nothing."""
        unchanged = {name for name, default in ADDED_LATER.items() if getattr(self, name) == default}
        return self.model_dump_json(exclude=unchanged)


def refuse_strips(shapes: Mapping[str, tuple[tuple[int, int], ...]]) -> None:
    """Raise ValueError for a shape one side of which is more than twice the other."""
    for framing, several in shapes.items():
        for width, height in several:
            if not (0 < width <= 2 * height and 0 < height <= 2 * width):
                raise ValueError(f'shapes.{framing} "{width}:{height}": one side is at most twice the other')
