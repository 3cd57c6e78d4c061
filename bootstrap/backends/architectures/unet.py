"""What the architectures of Stable Diffusion have in common: a UNet, CLIP, a KL autoencoder, a schedule of noise.

Architecture files choose from it; it is no architecture itself. Imports no model library until it is called.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.backends.architectures.architecture import Targets
from bootstrap.backends.architectures.original_names import original_name
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError

if TYPE_CHECKING:
    import torch

    from bootstrap.backends.prompts import TextStates
    from bootstrap.training.objective import Objective

__all__ = [
    "TARGETS", "KlLatents", "is_text_to_image", "layers_in_file", "modules_in", "objective", "predict",
    "read_prediction", "set_schedule",
]  # fmt: skip

TARGETS = Targets(
    # kohya's default set: every linear layer and 1x1 convolution of the transformer blocks (sd-scripts)
    denoiser=r".*transformer_blocks\.\d+\.(attn[12]\.(to_[qkv]|to_out\.0)|ff\.net\.(0\.proj|2))|.*\.(proj_in|proj_out)",
    # all of the residual blocks and samplers (sd-scripts' conv_dim)
    convolutions=r".*resnets\.\d+\.(conv1|conv2|time_emb_proj|conv_shortcut)|.*\.(down|up)samplers\.0\.conv",
    kernels=r"resnets\.\d+\.(conv1|conv2)|(down|up)samplers\.0\.conv",
    # kohya's set for a CLIP text encoder: attention and feed-forward of every layer (sd-scripts)
    text=r".*\.layers\.\d+\.(self_attn\.(q_proj|k_proj|v_proj|out_proj)|mlp\.(fc1|fc2))",
)
ATTENTION = tuple(f"attn{number}.{part}" for number in (1, 2) for part in ("to_q", "to_k", "to_v", "to_out.0"))
IN_BLOCK = (*ATTENTION, "ff.net.0.proj", "ff.net.2")
ENDS = ("conv_in", "time_embedding.linear_1", "time_embedding.linear_2", "conv_norm_out", "conv_out")
"""What a UNet has besides its blocks."""
IN_LAYER = (*(f"self_attn.{part}" for part in ("q_proj", "k_proj", "v_proj", "out_proj")), "mlp.fc1", "mlp.fc2")


def predict(
    denoiser: Any,
    latents: torch.Tensor,
    timesteps: torch.Tensor,
    text: TextStates,
    added: Mapping[str, Any] | None = None,
) -> torch.Tensor:
    """The prediction of a UNet; ``added`` are further conditions by name."""
    if text.references is not None:
        added = {**(added or {}), "image_embeds": [text.references]}
    prediction: torch.Tensor = denoiser(
        latents,
        timesteps,
        encoder_hidden_states=text.states,
        encoder_attention_mask=text.mask,
        added_cond_kwargs=added,
    ).sample
    return prediction


def objective(pipe: Any, settings: SamplingSettings) -> Objective:
    """Noise or velocity on the pipeline's own schedule: as the settings say, or else the pipeline."""
    from bootstrap.training.objective import Epsilon, Velocity

    kind = settings.prediction_type or str(pipe.scheduler.config.prediction_type)
    if kind == "epsilon":
        return Epsilon(pipe.scheduler.alphas_cumprod)
    if kind == "v_prediction":
        return Velocity(pipe.scheduler.alphas_cumprod)
    raise BackendError(f'a base that predicts "{kind}" cannot be trained here', "choose one of epsilon or v_prediction")


def set_schedule(pipe: Any, prediction_type: str | None, zero_terminal_snr: bool) -> None:
    """Another schedule of noise; one that ends in pure noise is sampled from its very end (arXiv 2305.08891)."""
    from diffusers import DDIMScheduler

    config = dict(pipe.scheduler.config)
    changes: dict[str, Any] = {
        "rescale_betas_zero_snr": zero_terminal_snr,
        "clip_sample": config.get("clip_sample", False),
    }
    if prediction_type is not None:
        changes["prediction_type"] = prediction_type
    if zero_terminal_snr:
        changes["timestep_spacing"] = "trailing"
    elif config.get("rescale_betas_zero_snr"):
        changes["timestep_spacing"] = "leading"  # as Stable Diffusion's own schedule
    pipe.scheduler = DDIMScheduler.from_config(config, **changes)


def read_prediction(keys: Mapping[str, Any], metadata: Mapping[str, str]) -> tuple[str, bool]:
    """Prediction type and zero terminal SNR as finetunes mark them: keys ``v_pred`` and ``ztsnr``, or ModelSpec.

    ComfyUI writes ``modelspec.predict_key``.
    """
    stated = metadata.get("modelspec.prediction_type") or metadata.get("modelspec.predict_key", "")
    if "v_pred" in keys or stated in ("v", "v_prediction", "v-prediction"):
        return "v_prediction", "ztsnr" in keys
    return "epsilon", False


def is_text_to_image(pipe: Any) -> bool:
    """Whether the UNet takes latents alone: inpainting and editing variants take masks or pictures beside them."""
    return bool(pipe.unet.config.in_channels == pipe.vae.config.latent_channels)


class KlLatents:
    """Latents of a KL autoencoder, scaled by the factor in its config."""

    def encode(self, pipe: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Mean and standard deviation; None where the autoencoder gives one value only."""
        encoded, scale = pipe.vae.encode(pixels), pipe.vae.config.scaling_factor
        distribution = getattr(encoded, "latent_dist", None)
        if distribution is None:
            return encoded.latents * scale, None
        return distribution.mean * scale, distribution.std * scale

    def decode(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """The pixels of latents, in float32."""
        pixels: torch.Tensor = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample.float()
        return pixels

    def shape(self, pipe: Any, width: int, height: int) -> tuple[int, int, int]:
        """Channels, height and width."""
        factor = pipe.vae_scale_factor
        return pipe.vae.config.latent_channels, height // factor, width // factor


def modules_in(configs: Path, text_encoders: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Module paths that `TARGETS` find in a model with these configs: the UNet's, then each text encoder's.

    Read from the configs alone: no model is built for it.
    """
    unet = _config(configs / "unet")
    text = (tuple(_text_modules(_config(configs / part))) for part in text_encoders)
    return (*_transformer_modules(unet), *_convolutions(unet)), *text


def layers_in_file(configs: Path, denoiser: str, text: Mapping[str, str]) -> Iterator[str]:
    """Keys that a whole file in the original layout has: the layers of the UNet, and one for each text layer.

    ``denoiser`` is how the UNet's keys begin; ``text`` is text encoder → a key with ``{}`` for the number of a layer.
    Upsamplers are left out: what they are called depends on the block around them.
    """
    unet = _config(configs / "unet")
    for module in (*ENDS, *_transformer_modules(unet), *_convolutions(unet)):
        if ".upsamplers." not in module:
            yield f"{denoiser}{original_name(module)}.weight"
    for part, key in text.items():
        for layer in range(_config(configs / part)["num_hidden_layers"]):
            yield key.format(layer)


def _config(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return found


def _transformer_modules(config: Mapping[str, Any]) -> Iterator[str]:
    kinds, layers = config["down_block_types"], config["layers_per_block"]
    depths = config.get("transformer_layers_per_block", 1)
    if isinstance(depths, int):
        depths = [depths] * len(kinds)
    for side, count, order in (("down", layers, depths), ("up", layers + 1, depths[::-1])):
        for block, kind in enumerate(config[f"{side}_block_types"]):
            for place in range(count if kind.startswith("CrossAttn") else 0):
                yield from _attention(f"{side}_blocks.{block}.attentions.{place}", order[block])
    yield from _attention("mid_block.attentions.0", depths[-1])


def _convolutions(config: Mapping[str, Any]) -> Iterator[str]:
    """Residual blocks and samplers; those of the way up take what the way down left, so their width always changes."""
    widths, layers = config["block_out_channels"], config["layers_per_block"]
    last = len(widths) - 1
    for block, width in enumerate(widths):
        for place in range(layers):
            changes_width = place == 0 and widths[max(0, block - 1)] != width
            yield from _resnet(f"down_blocks.{block}.resnets.{place}", shortcut=changes_width)
        for place in range(layers + 1):
            yield from _resnet(f"up_blocks.{block}.resnets.{place}", shortcut=True)
        if block < last:
            yield f"down_blocks.{block}.downsamplers.0.conv"
            yield f"up_blocks.{block}.upsamplers.0.conv"
    for place in range(2):
        yield from _resnet(f"mid_block.resnets.{place}", shortcut=False)


def _resnet(path: str, *, shortcut: bool) -> Iterator[str]:
    for part in ("conv1", "conv2", "time_emb_proj"):
        yield f"{path}.{part}"
    if shortcut:
        yield f"{path}.conv_shortcut"


def _attention(path: str, depth: int) -> Iterator[str]:
    yield f"{path}.proj_in"
    yield f"{path}.proj_out"
    for layer in range(depth):
        for part in IN_BLOCK:
            yield f"{path}.transformer_blocks.{layer}.{part}"


def _text_modules(config: Mapping[str, Any]) -> Iterator[str]:
    for layer in range(config["num_hidden_layers"]):
        for part in IN_LAYER:
            yield f"text_model.encoder.layers.{layer}.{part}"
