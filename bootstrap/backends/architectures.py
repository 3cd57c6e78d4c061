"""The model architectures that this engine generates and trains with, as plain facts. Imports no model library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ARCHITECTURES", "Architecture"]


@dataclass(frozen=True)
class Architecture:
    """What the pipelines of a architecture are made of. ``name`` is a key of `bootstrap.lora.grammar.GRAMMARS`."""

    name: str
    spoken: str
    pipeline: str
    """The class that diffusers loads it with."""
    text_encoders: tuple[str, ...]
    tokenizers: tuple[str, ...]

    @property
    def weighed(self) -> tuple[str, ...]:
        """Parts that have weights."""
        return ("unet", "vae", *self.text_encoders)

    @property
    def configs(self) -> Path:
        """The configs of the real model, for checkpoints that come as a single file without any."""
        return Path(__file__).parent / "pipelines" / self.name


ARCHITECTURES = {
    "sd1": Architecture(
        name="sd1",
        spoken="Stable Diffusion 1",
        pipeline="StableDiffusionPipeline",
        text_encoders=("text_encoder",),
        tokenizers=("tokenizer",),
    ),
    "sdxl": Architecture(
        name="sdxl",
        spoken="Stable Diffusion XL",
        pipeline="StableDiffusionXLPipeline",
        text_encoders=("text_encoder", "text_encoder_2"),
        tokenizers=("tokenizer", "tokenizer_2"),
    ),
}
