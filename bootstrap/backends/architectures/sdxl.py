"""Stable Diffusion XL and its finetunes: two text encoders, a pooled text state, conditioning on sizes.

LoRA files name the UNet's modules as the original code (sgm) numbers them, because sd-scripts trains on that layout.
"""

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
    from bootstrap.backends.prompts import PromptPairEncoder, TextStates

__all__ = ["SDXL", "size_condition"]

NAME = "sdxl"
TITLE = "Stable Diffusion XL"
TEXT_ENCODERS = ("text_encoder", "text_encoder_2")
KERNEL_3 = re.compile(rf".*\.({unet.TARGETS.kernels})")
KERNEL_1 = re.compile(r".*\.conv_shortcut")


def size_condition(cuts: Sequence[CropWindow]) -> torch.Tensor:
    """Micro-conditioning, shape (n, 6): original height and width, cut at top and left, target height and width.

    Pixels; the cut is counted after enlarging, as in training of the base (arXiv 2307.01952, section 2.2).
    """
    import torch

    rows = []
    for cut in cuts:
        (width, height), (left, top), (target_width, target_height) = cut.original, cut.corner, cut.target
        rows.append([height, width, top, left, target_height, target_width])
    return torch.tensor(rows, dtype=torch.float32)


def _text_encoding(pipe: Any, clip_skip: int | None, device: str, encodes_on: str) -> PromptPairEncoder:
    from bootstrap.backends.prompts import PromptPairEncoder

    pairs = ((pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2))
    return PromptPairEncoder(pairs, clip_skip, device, encodes_on)


def _predict(
    denoiser: Any, latents: torch.Tensor, timesteps: torch.Tensor, text: TextStates, cuts: Sequence[CropWindow]
) -> torch.Tensor:
    assert text.pooled is not None
    added = {"text_embeds": text.pooled, "time_ids": size_condition(cuts).to(latents.device)}
    return unet.predict(denoiser, latents, timesteps, text, added)


def _make_tokenizers() -> dict[str, Any]:
    """The second one pads with "!"."""
    from bootstrap.backends.tokenizer import clip_tokenizer

    return {"tokenizer": clip_tokenizer(), "tokenizer_2": clip_tokenizer("!")}


@cache
def _modules() -> tuple[tuple[str, ...], ...]:
    return unet.modules_in(configs_of(NAME), TEXT_ENCODERS)


def _kernel(module: str) -> int:
    if KERNEL_3.fullmatch(module):
        return 3
    return 1 if KERNEL_1.fullmatch(module) else 0


def _layers(configs: Path) -> Iterator[str]:
    text = {
        "text_encoder": "conditioner.embedders.0.transformer.text_model.encoder.layers.{}.mlp.fc1.weight",
        "text_encoder_2": "conditioner.embedders.1.model.transformer.resblocks.{}.mlp.c_fc.weight",
    }
    return unet.layers_in_file(configs, "model.diffusion_model.", text)


def _denoiser_name(module: str) -> str:
    return kohya_name(DENOISER_PREFIX, original_name(module))


SDXL = Architecture(
    name=NAME,
    title=TITLE,
    pipeline="StableDiffusionXLPipeline",
    denoiser="unet",
    text_encoders=TEXT_ENCODERS,
    tokenizers=("tokenizer", "tokenizer_2"),
    checkpoint=CheckpointKeys(
        denoiser="model.diffusion_model.",
        vae="first_stage_model.",
        text_encoder="conditioner.embedders.1.model.transformer.",
        input_weight="model.diffusion_model.input_blocks.0.0.weight",
        input_channels=4,
        text_encoders=("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."),
    ),
    presets=Presets(
        plain="sdxl",
        velocity="noobai-vpred",
        finetunes={
            "noobai": "noobai",
            "illustrious": "illustrious",
            "pony": "pony",
            "animagine": "animagine",
        },
        drawings="illustrious",
    ),
    targets=unet.TARGETS,
    grammar=Grammar(
        architecture=NAME,
        title=TITLE,
        modelspec="stable-diffusion-xl-v1-base/lora",
        implementation="https://github.com/Stability-AI/generative-models",
        version="sdxl_base_v1-0",
        velocity_version="sdxl_base_v1-0",
        interface="SDXL",
        denoiser_name=_denoiser_name,
        text_prefixes=("lora_te1_", "lora_te2_"),
        modules=_modules,
        kernel=_kernel,
        marks=r"lora_te[12]_|lora_unet_(input|output|middle)_block",
        original=original_name,
        text_aliases=(
            ("clip_l_", "clip_l_transformer_", "text_encoders_clip_l_", "text_encoders_clip_l_transformer_"),
            ("clip_g_", "clip_g_transformer_", "text_encoders_clip_g_", "text_encoders_clip_g_transformer_"),
        ),
        inputs=((0, r".*\.attn2\.to_[kv]", 2048), (1, r".*\.[qkv]_proj", 768), (2, r".*\.[qkv]_proj", 1280)),
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
)
