"""An edit model on this machine, as a drawer: validated data. Imports no model library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.backends.sampling import refuse_strips

__all__ = ["CameraLora", "EditPipeline", "EditSettings"]

EditPipeline = Literal["Flux2KleinPipeline", "QwenImageEditPlusPipeline"]
SIDES = 32
"""Pixels of which the sides of a picture are multiples: of both pipelines' latents, 16, and of Qwen's pictures, 32."""
SAMPLED = ("pipeline", "steps", "guidance_scale", "width", "height", "shapes", "dtype", "camera_lora")
"""The settings that change a picture."""


class CameraLora(BaseModel):
    """A LoRA that turns the camera; an instruction calls it in the words of ``camera``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str
    """Its folder, or the id of a model in the Hugging Face cache."""
    file: str
    """The .safetensors file in that folder."""
    weight: float = Field(0.9, gt=0, le=2)
    """How strongly it acts."""
    license: str = ""
    """Of its weights."""


class EditSettings(DrawerSettings):
    """A diffusers pipeline that draws a new picture of what its references show, as an instruction says."""

    kind: Literal["edit"] = "edit"
    """Which kind of drawer."""
    path: str = Field(min_length=1)
    """A diffusers folder, or the id of a model in the Hugging Face cache."""
    pipeline: EditPipeline
    """The pipeline that the folder holds."""
    steps: int = Field(ge=1, le=1000)
    """Denoising steps."""
    guidance_scale: float = Field(1.0, ge=1)
    """Classifier-free guidance (Qwen's ``true_cfg_scale``); 1 switches it off, and halves the time."""
    width: int = Field(1024, ge=SIDES, multiple_of=SIDES)
    """Pixels."""
    height: int = Field(1024, ge=SIDES, multiple_of=SIDES)
    """Pixels."""
    shapes: Mapping[str, tuple[tuple[int, int], ...]] = Field(default_factory=dict)
    """Framing → shapes in which its pictures are drawn, in turn: width to height. Others have width and height."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Weights and arithmetic; auto is bfloat16 on a card and float32 on the CPU."""
    offload: Literal["text", "blocks", "none"] = "text"
    """What is in main memory while it draws. ``text``: the text encoder, loaded while it encodes the instructions, the
    transformer then not. ``blocks``: that, and the blocks of the transformer, loaded in turn in every step, with a VAE
    that works in tiles: the least memory and the most time. ``none``: nothing. All of it is in main memory while the
    base draws or trains."""
    camera_lora: CameraLora | None = None
    """A camera LoRA, with its words in ``camera``."""

    @model_validator(mode="after")
    def _consistent(self) -> EditSettings:
        refuse_strips(self.shapes)
        if bool(self.camera) != bool(self.camera_lora):
            raise ValueError("camera and camera_lora belong together: give both, or neither")
        if self.pipeline == "QwenImageEditPlusPipeline" and not self.most:
            raise ValueError("most: Qwen-Image-Edit draws nothing without a reference: give 1 or more")
        return self

    def identity(self) -> str:
        """What of the settings tells pictures apart, as text."""
        return self.model_dump_json(include=set(SAMPLED))
