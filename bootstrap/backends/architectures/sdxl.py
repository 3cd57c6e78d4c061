"""Stable Diffusion XL and its finetunes: two text encoders, a pooled text state, conditioning on sizes.

LoRA files name the UNet's modules as the original code (sgm) numbers them, because sd-scripts trains on that layout.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from bootstrap.backends.architectures import unet
from bootstrap.backends.architectures.architecture import Architecture, CheckpointKeys, Presets, configs_of
from bootstrap.backends.samplers import sampler_for
from bootstrap.lora.grammar import DENOISER_PREFIX, Grammar, kohya_name

if TYPE_CHECKING:
    import torch

    from bootstrap.backends.framing import CropWindow
    from bootstrap.backends.prompts import PromptPairEncoder, TextStates

__all__ = ["SDXL", "original_name", "size_condition"]

NAME = "sdxl"
TITLE = "Stable Diffusion XL"
TEXT_ENCODERS = ("text_encoder", "text_encoder_2")
KERNEL_3 = re.compile(rf".*\.({unet.TARGETS.kernels})")
KERNEL_1 = re.compile(r".*\.conv_shortcut")
BLOCK = re.compile(r"(down_blocks|up_blocks)\.(\d+)\.(attentions|resnets|downsamplers|upsamplers)\.(\d+)(?:\.(.+))?")
MIDDLE = re.compile(r"mid_block\.(attentions|resnets)\.(\d+)(?:\.(.+))?")
PLACES = 3
"""Numbered places of one block in the original layout: two layers and a downsampler, or three layers."""
IN_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
OUTSIDE_BLOCKS = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}


def original_name(module: str) -> str:
    """A module path of the UNet in the original layout."""
    if found := BLOCK.fullmatch(module):
        side, block, kind, place, rest = found.groups()
        number = _number(side, int(block), kind, int(place))
    elif found := MIDDLE.fullmatch(module):
        kind, place, rest = found.groups()
        number = "middle_block.1" if kind == "attentions" else f"middle_block.{2 * int(place)}"
    else:
        return OUTSIDE_BLOCKS.get(module, module)
    inner = _inner(kind, rest or "")
    return f"{number}.{inner}" if inner else number


def _number(side: str, block: int, kind: str, place: int) -> str:
    """The numbered place of a layer: a down block's come after the first convolution."""
    if kind == "downsamplers":
        return f"input_blocks.{PLACES * block + PLACES}.0"
    if kind == "upsamplers":
        return f"output_blocks.{PLACES * block + PLACES - 1}.2"
    layer = "1" if kind == "attentions" else "0"
    if side == "down_blocks":
        return f"input_blocks.{1 + PLACES * block + place}.{layer}"
    return f"output_blocks.{PLACES * block + place}.{layer}"


def _inner(kind: str, rest: str) -> str:
    """The path inside a layer."""
    if kind == "downsamplers":
        return "op"
    if kind == "resnets":
        return IN_RESNET.get(rest, rest)
    return rest


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
    ),
    presets=Presets(
        plain="sdxl",
        velocity="noobai-vpred",
        finetunes={
            "noob": "noobai",
            "illustrious": "illustrious",
            "ilxl": "illustrious",
            "wai": "illustrious",
            "pony": "pony",
            "animagine": "animagine",
        },
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
)
