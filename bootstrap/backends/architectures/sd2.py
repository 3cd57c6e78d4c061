"""LoRA files of Stable Diffusion 2: named as those of Stable Diffusion 1, told by the width of their text states.

They are inspected, converted and compared; nothing is drawn or trained with this architecture.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from bootstrap.backends.architectures.sd1 import SD1

__all__ = ["SD2_GRAMMAR"]

TEXT_LAYERS = 24
"""Of its text encoder (OpenCLIP ViT-H); diffusers leaves out the last."""


@cache
def _modules() -> tuple[tuple[str, ...], ...]:
    """Those of Stable Diffusion 1, with a deeper text encoder."""
    denoiser, text = SD1.grammar.modules()
    first = "text_model.encoder.layers.0."
    inner = [path.removeprefix(first) for path in text if path.startswith(first)]
    layers = [f"text_model.encoder.layers.{layer}.{part}" for layer in range(TEXT_LAYERS) for part in inner]
    return tuple(denoiser), tuple(layers)


def _kernel(module: str) -> int:
    """Its transformers begin and end with linear layers."""
    return 0 if module.endswith((".proj_in", ".proj_out")) else SD1.grammar.kernel(module)


SD2_GRAMMAR = replace(
    SD1.grammar,
    architecture="sd2",
    title="Stable Diffusion 2",
    modelspec="stable-diffusion-v2-512/lora",
    version="sd_v2",
    velocity_version="sd_v2_v",
    interface="SD2",
    modules=_modules,
    kernel=_kernel,
    marks="(?!)",  # no name is its own
    text_aliases=(("lora_te1_", "clip_h_", "clip_h_transformer_", "text_encoders_clip_h_transformer_"),),
    inputs=((0, r".*\.attn2\.to_[kv]", 1024), (1, r".*\.[qkv]_proj", 1024)),
)
