"""Stable Diffusion 1.x and its finetunes: one CLIP text encoder, LoRA files in diffusers' own module names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.backends.architectures import unet
from bootstrap.backends.architectures.architecture import Architecture, CheckpointKeys, Presets, configs_of
from bootstrap.backends.architectures.original_names import original_name
from bootstrap.backends.samplers import sampler_for
from bootstrap.lora.grammar import DENOISER_PREFIX, Grammar, kohya_name

if TYPE_CHECKING:
    import torch

    from bootstrap.backends.framing import CropWindow
    from bootstrap.backends.prompts import PromptEncoder, TextStates

__all__ = ["SD1"]

NAME = "sd1"
TITLE = "Stable Diffusion 1"
TEXT_ENCODERS = ("text_encoder",)
KERNEL_3 = re.compile(rf".*\.({unet.TARGETS.kernels})")
KERNEL_1 = re.compile(r".*\.(conv_shortcut|proj_in|proj_out)")


def _text_encoding(pipe: Any, clip_skip: int | None, device: str, encodes_on: str) -> PromptEncoder:
    from bootstrap.backends.prompts import PromptEncoder

    return PromptEncoder(pipe.tokenizer, pipe.text_encoder, clip_skip, device, encodes_on)


def _predict(
    denoiser: Any, latents: torch.Tensor, timesteps: torch.Tensor, text: TextStates, cuts: Sequence[CropWindow]
) -> torch.Tensor:
    """It is not conditioned on sizes, so how pictures were cut does not matter."""
    return unet.predict(denoiser, latents, timesteps, text)


def _make_tokenizers() -> dict[str, Any]:
    from bootstrap.backends.tokenizer import clip_tokenizer

    return {"tokenizer": clip_tokenizer()}


@cache
def _modules() -> tuple[tuple[str, ...], ...]:
    return unet.modules_in(configs_of(NAME), TEXT_ENCODERS)


def _kernel(module: str) -> int:
    if KERNEL_3.fullmatch(module):
        return 3
    return 1 if KERNEL_1.fullmatch(module) else 0


def _original(module: str) -> str:
    """The first block on the way up has no attention."""
    return original_name(module, frozenset({0}))


def _layers(configs: Path) -> Iterator[str]:
    text = {"text_encoder": "cond_stage_model.transformer.text_model.encoder.layers.{}.mlp.fc1.weight"}
    return unet.layers_in_file(configs, "model.diffusion_model.", text)


def _denoiser_name(module: str) -> str:
    return kohya_name(DENOISER_PREFIX, module)


SD1 = Architecture(
    name=NAME,
    title=TITLE,
    pipeline="StableDiffusionPipeline",
    denoiser="unet",
    text_encoders=TEXT_ENCODERS,
    tokenizers=("tokenizer",),
    checkpoint=CheckpointKeys(
        denoiser="model.diffusion_model.",
        vae="first_stage_model.",
        text_encoder="cond_stage_model.transformer.",
        input_weight="model.diffusion_model.input_blocks.0.0.weight",
        input_channels=4,
        renamed={
            f"cond_stage_model.transformer.{part}.": f"cond_stage_model.transformer.text_model.{part}."
            for part in ("embeddings", "encoder", "final_layer_norm")
        },
        text_encoders=("cond_stage_model.transformer.",),
    ),
    presets=Presets(
        plain="sd15",
        velocity="sd15",
        finetunes={"nai": "sd15-anime"},
        drawings="sd15-anime",
        drawn_by_tags=True,
    ),
    targets=unet.TARGETS,
    grammar=Grammar(
        architecture=NAME,
        title=TITLE,
        modelspec="stable-diffusion-v1/lora",
        implementation="diffusers",
        version="sd_v1",
        velocity_version="sd_v1_v",
        interface="SD1",
        denoiser_name=_denoiser_name,
        text_prefixes=("lora_te_",),
        modules=_modules,
        kernel=_kernel,
        marks=r"lora_te_|lora_unet_(down|up)_blocks",
        original=_original,
        text_aliases=(
            (
                "lora_te1_",
                "clip_",
                "clip_l_",
                "clip_l_transformer_",
                "text_encoders_clip_l_",
                "text_encoders_clip_l_transformer_",
            ),
        ),
        inputs=((0, r".*\.attn2\.to_[kv]", 768), (1, r".*\.[qkv]_proj", 768)),
    ),
    latents=unet.KlLatents(),
    text_encoding=_text_encoding,
    predict=_predict,
    objective=unet.objective,
    sampler=sampler_for,
    set_schedule=unet.set_schedule,
    read_prediction=unet.read_prediction,
    is_text_to_image=unet.is_text_to_image,
    make_tokenizers=_make_tokenizers,
    layers=_layers,
    loading_options={"safety_checker": None, "requires_safety_checker": False},
)
