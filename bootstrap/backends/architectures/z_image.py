"""Z-Image, the base: a flow transformer of one stream, with a language model as text encoder.

It predicts the way from noise to the picture, and its time runs from noise to the picture: both are turned round here,
so that its objective is that of other flows. Only the base is trained; Z-Image-Turbo is refused, because a LoRA undoes
its few steps. Of its layers those of the refiners are left alone, as musubi-tuner does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.backends.architectures import flow
from bootstrap.backends.architectures.architecture import Architecture, Presets, Targets, configs_of
from bootstrap.backends.checkpoint_names import marks_in
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.lora.grammar import Grammar
from bootstrap.machine.hub import hub_id

if TYPE_CHECKING:
    import torch

    from bootstrap.backends.framing import CropWindow
    from bootstrap.backends.prompts import TextStates
    from bootstrap.backends.prompts_chat import ChatEncoder
    from bootstrap.training.objective import RectifiedFlow

__all__ = ["Z_IMAGE", "ShiftedLatents"]

NAME = "z-image"
TITLE = "Z-Image"
SHIFT_OF_TURBO = 3.0
"""Of Z-Image-Turbo's schedule; the base's is 6. Their configurations differ in nothing else."""
TEXT_LAYER = -2
"""The layer of Qwen3 whose hidden states it was trained with (diffusers)."""
IN_LAYER = (
    *(f"attention.{part}" for part in ("to_q", "to_k", "to_v", "to_out.0")),
    *(f"feed_forward.w{number}" for number in (1, 2, 3)),
)


class ShiftedLatents:
    """Latents of a KL autoencoder, shifted and scaled by the numbers in its config."""

    def encode(self, pipe: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Mean and standard deviation."""
        distribution, config = pipe.vae.encode(pixels).latent_dist, pipe.vae.config
        return (
            distribution.mean - config.shift_factor
        ) * config.scaling_factor, distribution.std * config.scaling_factor

    def decode(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """The pixels of latents, in float32."""
        config = pipe.vae.config
        pixels: torch.Tensor = pipe.vae.decode(latents / config.scaling_factor + config.shift_factor).sample.float()
        return pixels

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, int, int]:
        """Channels, height and width: an even number of places on each side."""
        side = 2 * pipe.vae_scale_factor
        return pipe.vae.config.latent_channels, height // side * 2, width // side * 2


def _text_encoding(pipe: Any, clip_skip: int | None, device: str, encodes_on: str) -> ChatEncoder:
    from bootstrap.backends.prompts_chat import ChatEncoder

    return ChatEncoder(
        pipe.tokenizer, pipe.text_encoder, device, encodes_on, layers=(TEXT_LAYER,), thinks=True, padded=False
    )


def _predict(
    denoiser: Any, latents: torch.Tensor, timesteps: torch.Tensor, text: TextStates, cuts: Sequence[CropWindow]
) -> torch.Tensor:
    """The transformer takes lists: of pictures with an axis of frames, and of as many text states as each has."""
    import torch

    words = list(text.states)
    if text.mask is not None:
        words = [states[mask.bool()] for states, mask in zip(text.states, text.mask, strict=True)]
    times = 1 - timesteps.expand(len(latents)) / 1000
    found = denoiser(list(latents.unsqueeze(2)), times, words, return_dict=False)[0]
    return -torch.stack(list(found)).squeeze(2)


def _objective(pipe: Any, settings: SamplingSettings) -> RectifiedFlow:
    """At uniform times on the pipeline's own schedule, as diffusers' training script for it."""
    return flow.flow_on(pipe, flow.patches(settings), logit_normal=False)


def _sampler(pipe: Any, settings: SamplingSettings) -> flow.FlowSampler:
    return flow.FlowSampler(pipe, lambda steps: flow.linear_shift(pipe.scheduler.config, flow.patches(settings)))


@cache
def _modules() -> tuple[tuple[str, ...], ...]:
    config = json.loads((configs_of(NAME) / "transformer" / "config.json").read_text(encoding="utf-8"))
    return tuple(f"layers.{layer}.{part}" for layer in range(config["n_layers"]) for part in IN_LAYER), ()


def _check(base: Path) -> None:
    shift = flow.config_of(base, "scheduler", "scheduler_config.json").get("shift")
    if shift == SHIFT_OF_TURBO or "turbo" in marks_in(base.name) | marks_in(hub_id(base)):
        raise BackendError(
            f'"{base}" is distilled to eight steps, which a LoRA trained on it would undo',
            "train on Tongyi-MAI/Z-Image; what is trained there also draws with this one",
        )


Z_IMAGE = Architecture(
    name=NAME,
    title=TITLE,
    pipeline="ZImagePipeline",
    denoiser="transformer",
    text_encoders=("text_encoder",),
    tokenizers=("tokenizer",),
    checkpoint=None,
    presets=Presets(plain="z-image", velocity="z-image"),
    targets=Targets(
        denoiser=r"layers\.\d+\.(attention\.(to_[qkv]|to_out\.0)|feed_forward\.w[123])",
        convolutions="",
        kernels="",
        text=flow.NOTHING,
    ),
    grammar=Grammar(
        architecture=NAME,
        title=TITLE,
        modelspec="Z-Image/lora",
        implementation="https://github.com/Tongyi-MAI/Z-Image",
        version="z_image",
        velocity_version="z_image",
        interface="Unknown",
        denoiser_name=lambda module: f"diffusion_model.{module}",
        text_prefixes=(),
        modules=_modules,
        kernel=lambda module: 0,
        marks=r"(diffusion_model\.|transformer\.)?layers\.\d+\.(attention\.to_|feed_forward\.w)",
        parts=("transformer", "text_encoder"),
        has_alphas=False,
    ),
    latents=ShiftedLatents(),
    text_encoding=_text_encoding,
    predict=_predict,
    objective=_objective,
    sampler=_sampler,
    set_schedule=flow.set_schedule,
    read_prediction=flow.read_prediction,
    is_text_to_image=lambda pipe: True,
    make_tokenizers=dict,
    check=_check,
    limits=replace(flow.LIMITS, no_guidance=0.0),
)
