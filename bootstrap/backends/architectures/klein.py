"""FLUX.2 klein, the base: a flow transformer with a language model as text encoder, which also sees references.

Only the base is trained; the distilled variant is refused, because a LoRA undoes its few steps. Query, key and value
are one layer here, as in the original code, whose names its LoRA files have. A reference is latents beside those that
are drawn, at other times of the transformer's position (diffusers' ``Flux2KleinPipeline``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.backends.architectures import flow
from bootstrap.backends.architectures.architecture import Architecture, Presets, Targets, configs_of
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.lora.grammar import Grammar

if TYPE_CHECKING:
    import torch

    from bootstrap.backends.framing import CropWindow
    from bootstrap.backends.prompts import TextStates
    from bootstrap.backends.prompts_chat import ChatEncoder
    from bootstrap.training.objective import RectifiedFlow

__all__ = ["KLEIN", "KleinLatents", "original_klein_name"]

NAME = "flux2-klein"
TITLE = "FLUX.2 klein"
BASE = "black-forest-labs/FLUX.2-klein-base-4B"
WIDTH_OF_9B = 12288
"""Width of the text states of FLUX.2 klein 9B; those of 4B are 7680 wide."""
TEXT_LAYERS = (9, 18, 27)
"""The layers of Qwen3 whose hidden states it was trained with (diffusers)."""
BETWEEN_REFERENCES = 10
"""Distance in time between what is drawn and the first reference, and from one reference to the next (diffusers)."""
IN_DOUBLE = {
    "attn.to_qkv": "img_attn.qkv",
    "attn.to_out.0": "img_attn.proj",
    "attn.to_added_qkv": "txt_attn.qkv",
    "attn.to_add_out": "txt_attn.proj",
    "ff.linear_in": "img_mlp.0",
    "ff.linear_out": "img_mlp.2",
    "ff_context.linear_in": "txt_mlp.0",
    "ff_context.linear_out": "txt_mlp.2",
}
"""Layer of a block of two streams → its name in the original code."""
IN_SINGLE = {"attn.to_qkv_mlp_proj": "linear1", "attn.to_out": "linear2"}
PARTS_OF = {
    "attn.to_qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "attn.to_added_qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}
"""Fused layers → what diffusers has in their place."""
BLOCK = re.compile(r"(single_)?transformer_blocks\.(\d+)\.(.+)")
TARGETS = "|".join((
    rf"transformer_blocks\.\d+\.({'|'.join(map(re.escape, IN_DOUBLE))})",
    rf"single_transformer_blocks\.\d+\.({'|'.join(map(re.escape, IN_SINGLE))})",
))  # fmt: skip


def original_klein_name(module: str) -> str:
    """A module path of the transformer in the original code (black-forest-labs/flux2)."""
    if not (found := BLOCK.fullmatch(module)):
        return module
    single, number, layer = found.groups()
    names, kind = (IN_SINGLE, "single") if single else (IN_DOUBLE, "double")
    return f"{kind}_blocks.{number}.{names[layer]}" if layer in names else module


def _split(module: str) -> tuple[str, ...]:
    """What diffusers has in place of a module: itself, or the three parts of a fused layer."""
    for fused, parts in PARTS_OF.items():
        if module.endswith(f".{fused}"):
            above = module.removesuffix(fused)
            return tuple(above + part for part in parts)
    return (module,)


@cache
def _modules() -> tuple[tuple[str, ...], ...]:
    config = json.loads((configs_of(NAME) / "transformer" / "config.json").read_text(encoding="utf-8"))
    found = [f"transformer_blocks.{block}.{layer}" for block in range(config["num_layers"]) for layer in IN_DOUBLE]
    for block in range(config["num_single_layers"]):
        found += [f"single_transformer_blocks.{block}.{layer}" for layer in IN_SINGLE]
    return tuple(found), ()


class KleinLatents:
    """Latents of FLUX.2's autoencoder: 2 x 2 of them as the channels of one place, normed by its own statistics."""

    def encode(self, pipe: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Mean and standard deviation."""
        from torch.nn.functional import pixel_unshuffle

        distribution, (centre, spread) = pipe.vae.encode(pixels).latent_dist, self._statistics(pipe)
        mean = (pixel_unshuffle(distribution.mean, 2) - centre) / spread
        return mean, pixel_unshuffle(distribution.std, 2) / spread

    def decode(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """The pixels of latents, in float32."""
        from torch.nn.functional import pixel_shuffle

        centre, spread = self._statistics(pipe)
        pixels: torch.Tensor = pipe.vae.decode(pixel_shuffle(latents * spread + centre, 2)).sample.float()
        return pixels

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, int, int]:
        """Channels, height and width."""
        side = 2 * pipe.vae_scale_factor
        return 4 * pipe.vae.config.latent_channels, height // side, width // side

    def _statistics(self, pipe: Any) -> tuple[Any, Any]:
        norm = pipe.vae.bn
        spread = (norm.running_var + pipe.vae.config.batch_norm_eps).sqrt()
        return norm.running_mean.view(1, -1, 1, 1), spread.view(1, -1, 1, 1)


def _text_encoding(pipe: Any, clip_skip: int | None, device: str, encodes_on: str) -> ChatEncoder:
    from bootstrap.backends.prompts_chat import ChatEncoder

    return ChatEncoder(
        pipe.tokenizer, pipe.text_encoder, device, encodes_on, layers=TEXT_LAYERS, thinks=False, padded=True
    )


def _predict(
    denoiser: Any, latents: torch.Tensor, timesteps: torch.Tensor, text: TextStates, cuts: Sequence[CropWindow]
) -> torch.Tensor:
    """Every place of the latents is a token; those of references follow, and their predictions are dropped."""
    import torch

    count, channels, height, width = latents.shape
    tokens, places = [_tokens(latents)], [_places(0, height, width)]
    for number, shown in enumerate(text.reference_latents, 1):
        tokens.append(_tokens(shown.to(latents.dtype)))
        places.append(_places(number * BETWEEN_REFERENCES, *shown.shape[2:]))
    words = torch.arange(text.states.shape[1])
    prediction = denoiser(
        hidden_states=torch.cat(tokens, dim=1),
        timestep=timesteps.expand(count) / 1000,
        encoder_hidden_states=text.states,
        txt_ids=torch.cartesian_prod(*[torch.arange(1)] * 3, words).to(latents.device),
        img_ids=torch.cat(places).to(latents.device),
        joint_attention_kwargs=_heeding(text, tokens, len(words)),
        return_dict=False,
    )[0]
    own: torch.Tensor = prediction[:, : height * width].transpose(1, 2).reshape(count, channels, height, width)
    return own


def _tokens(latents: torch.Tensor) -> torch.Tensor:
    """Latents (n, c, h, w) as (n, h · w, c)."""
    return latents.flatten(2).transpose(1, 2)


def _places(time: int, height: int, width: int) -> torch.Tensor:
    """Position of each token, (h · w, 4): time, row, column, and 0, the place among words."""
    import torch

    return torch.cartesian_prod(torch.tensor([time]), torch.arange(height), torch.arange(width), torch.arange(1))


def _heeding(text: TextStates, tokens: Sequence[torch.Tensor], words: int) -> dict[str, Any] | None:
    """The attention that references get: each of their tokens counts as ``reference_strength`` of one; 1 is usual."""
    import torch

    if len(tokens) == 1 or text.reference_strength == 1:
        return None
    own = words + tokens[0].shape[1]
    bias = torch.zeros(own + sum(shown.shape[1] for shown in tokens[1:]), device=tokens[0].device)
    bias[own:] = torch.tensor(text.reference_strength).log()
    return {"attention_mask": bias.view(1, 1, 1, -1).to(text.states.dtype)}


def _objective(pipe: Any, settings: SamplingSettings) -> RectifiedFlow:
    """At logit-normal times, shifted by the schedule's own line, as musubi-tuner's ``flux2_shift``."""
    return flow.flow_on(pipe, flow.patches(settings), logit_normal=True)


def _sampler(pipe: Any, settings: SamplingSettings) -> flow.FlowSampler:
    from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu

    return flow.FlowSampler(pipe, lambda steps: compute_empirical_mu(flow.patches(settings), steps))


def _fuse(pipe: Any) -> None:
    """Make query, key and value of each attention one layer, in place of the three."""
    pipe.transformer.fuse_qkv_projections()
    for module in pipe.transformer.modules():
        for fused, parts in PARTS_OF.items():
            if hasattr(module, fused.removeprefix("attn.")):
                for part in parts:
                    delattr(module, part.removeprefix("attn."))


def _check(base: Path) -> None:
    if flow.config_of(base, "transformer").get("joint_attention_dim") == WIDTH_OF_9B:
        raise BackendError(f'"{base}" is the variant of 9B, which is not known here', f"train on {BASE}")
    if flow.config_of(base, "", "model_index.json").get("is_distilled"):
        raise BackendError(
            f'"{base}" is distilled to four steps, which a LoRA trained on it would undo',
            f"train on {BASE}; to draw with this one, give --drawer klein",
        )


KLEIN = Architecture(
    name=NAME,
    title=TITLE,
    pipeline="Flux2KleinPipeline",
    denoiser="transformer",
    text_encoders=("text_encoder",),
    tokenizers=("tokenizer",),
    checkpoint=None,
    presets=Presets(plain="klein", velocity="klein"),
    targets=Targets(denoiser=TARGETS, convolutions="", kernels="", text=flow.NOTHING),
    grammar=Grammar(
        architecture=NAME,
        title=TITLE,
        modelspec="Flux.2-klein-4b/lora",
        implementation="https://github.com/black-forest-labs/flux2",
        version="flux_2_klein_4b",
        velocity_version="flux_2_klein_4b",
        interface="Unknown",
        denoiser_name=lambda module: f"diffusion_model.{original_klein_name(module)}",
        text_prefixes=(),
        modules=_modules,
        kernel=lambda module: 0,
        marks=flow.NOTHING,  # FLUX.1's modules have the same names
        parts=("transformer", "text_encoder"),
        original=original_klein_name,
        split=_split,
        has_alphas=False,
    ),
    latents=KleinLatents(),
    text_encoding=_text_encoding,
    predict=_predict,
    objective=_objective,
    sampler=_sampler,
    set_schedule=flow.set_schedule,
    read_prediction=flow.read_prediction,
    is_text_to_image=lambda pipe: True,
    make_tokenizers=dict,
    autoencoder="AutoencoderKLFlux2",
    check=_check,
    prepare=_fuse,
    limits=replace(flow.LIMITS, references=("native",), takes_negative=False),
)
