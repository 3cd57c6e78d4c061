"""Whether a single file is a checkpoint that this engine can use, read from its header alone.

User interfaces keep a base as one ``.safetensors`` file in the original layout. Its keys show which architecture it is,
and what it predicts; nothing is unpickled. Imports no model library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import ARCHITECTURES, Architecture
from bootstrap.backends.architectures.architecture import CheckpointKeys
from bootstrap.errors import BackendError
from bootstrap.lora.header import read_header

__all__ = ["SingleFile", "check_vae", "read_checkpoint"]

DENOISER = "model.diffusion_model."
OTHERS = {
    "Stable Diffusion 2": ("cond_stage_model.model.transformer.",),
    "the refiner of Stable Diffusion XL": ("conditioner.embedders.0.model.transformer.",),
    # the first match counts: narrow marks stand before wide ones
    "HunyuanVideo": ("double_blocks.0.img_attn_qkv.", "model.model.double_blocks.", "double_blocks.0.img_mod.linear."),
    "Hunyuan DiT": ("mlp_t5.",),
    "Chroma": ("distilled_guidance_layer.",),
    "HiDream": ("double_stream_blocks.",),
    "AuraFlow": ("double_layers.",),
    "Stable Cascade": ("clip_txt_mapper.", "clip_mapper."),
    "Qwen-Image": ("transformer_blocks.0.img_mod.",),
    "Lumina 2 or Z-Image": ("noise_refiner.", "cap_embedder."),
    "Stable Diffusion 3": ("joint_blocks.",),
    "FLUX.2": ("double_stream_modulation_img.",),
    "Flux": ("double_blocks.",),
    "a transformer model": ("transformer_blocks.", "layers.", "blocks."),
    "a ControlNet": ("control_model.", "controlnet_"),
    "a VAE": ("encoder.", "decoder."),
    "a UNet in diffusers' layout": ("down_blocks.", "conv_in."),
    "a text encoder": ("text_model.", "transformer.text_model."),
    "a textual inversion": ("emb_params", "clip_l", "clip_g", "string_to_param"),
}
"""What else people keep as one file → how its keys begin, behind `DENOISER` or without it.

The marks of ComfyUI's model detection.
"""
AS_FOLDERS = {"FLUX.2": "klein", "Lumina 2 or Z-Image": "z-image"}
"""Those of them that are trained from a diffusers folder → its preset."""
VAE_PARTS = ("encoder.conv_in.weight", "encoder.conv_out.weight", "decoder.conv_in.weight", "decoder.conv_out.weight")
EDM = ("edm_mean", "edm_std", "edm_vpred.sigma_max", "edm_vpred.sigma_min")
"""Keys of bases on a schedule of their own: Playground 2.5, CosXL."""
MOST_LACKING = 0.05
"""Share of layers that is a damaged file; where more are missing, it was made with fewer blocks."""
LORA = ("lora_", ".lora.", ".lora_A.", ".lora_B.", ".hada_w", ".lokr_w")
LOOKED_AT = 8
"""Keys of a file that show whether it is a LoRA."""
USUAL = "epsilon"
STATED = ("modelspec.prediction_type", "modelspec.predict_key")
LATENT_CHANNELS = 4
VAE_ADVICE = "give one made for the base, for example sdxl_vae.safetensors"
INPAINTING_CHANNELS = 9
"""Latents, a masked picture's latents, and a mask."""


@dataclass(frozen=True)
class SingleFile:
    """What a checkpoint's header says; ``prediction_type`` is "epsilon" or "v_prediction"."""

    architecture: Architecture
    prediction_type: str
    zero_terminal_snr: bool
    marked: bool
    """Whether a key or the metadata state the prediction type; else it is the usual one."""
    metadata: Mapping[str, str]
    has_old_names: bool
    """Whether the text encoder's keys are named as in NovelAI's files."""


def read_checkpoint(path: Path, *, vae_given: bool = False) -> SingleFile:
    """Read a file's header. Raises BackendError, in one line, unless it is a whole checkpoint that is known.

    It may lack its VAE where another one is given.
    """
    entries = read_header(path)
    metadata = {str(key): str(value) for key, value in entries.pop("__metadata__", {}).items()}
    architecture, keys = _architecture(path, entries)
    usual = {keys.usual(key): entry for key, entry in entries.items()}
    _check_task(path, entries, keys)
    _check_layers(path, usual, architecture)
    if not vae_given and not all(f"{keys.vae}{part}" in entries for part in VAE_PARTS):
        problem = "only a part of a VAE" if _any_begins(entries, keys.vae) else "no VAE in it"
        raise BackendError(f'"{path}" has {problem}', "give one: --vae FILE.safetensors")
    prediction_type, zero_snr = architecture.read_prediction(entries, metadata)
    marked = prediction_type != USUAL or any(metadata.get(name) for name in STATED)
    return SingleFile(architecture, prediction_type, zero_snr, marked, metadata, usual.keys() != entries.keys())


def check_vae(path: Path) -> None:
    """Raise BackendError, in one line, unless a file holds a VAE of Stable Diffusion (4 channels)."""
    entries = read_header(path)
    for prefix in ("", "first_stage_model.", "vae."):
        shape = entries.get(f"{prefix}decoder.conv_in.weight", {}).get("shape", [])
        if len(shape) > 1 and f"{prefix}encoder.conv_in.weight" in entries:
            if shape[1] == LATENT_CHANNELS:
                return
            raise BackendError(f'"{path}" is a VAE with {shape[1]} channels, not {LATENT_CHANNELS}', VAE_ADVICE)
    raise BackendError(f'"{path}" is no VAE', VAE_ADVICE)


def _architecture(path: Path, entries: Mapping[str, Any]) -> tuple[Architecture, CheckpointKeys]:
    for key in list(entries)[:LOOKED_AT]:
        if any(mark in key for mark in LORA):
            raise BackendError(f'"{path}" is a LoRA, not a base', "give the checkpoint that it was trained on")
    for architecture in ARCHITECTURES.values():
        keys = architecture.checkpoint
        if keys and _any_begins(entries, keys.denoiser) and _any_begins(entries, keys.text_encoder):
            return architecture, keys
    raise _unknown(path, entries)


def _unknown(path: Path, entries: Mapping[str, Any]) -> BackendError:
    """What a file is instead, as far as its keys show."""
    titles = " or ".join(one.title for one in ARCHITECTURES.values() if one.checkpoint)
    advice = f"choose a checkpoint of {titles}"
    for name, prefixes in OTHERS.items():
        if any(_any_begins(entries, f"{before}{prefix}") for before in ("", DENOISER) for prefix in prefixes):
            if name in AS_FOLDERS:
                advice = f"give the diffusers folder of its base, or --base {AS_FOLDERS[name]}"
                return BackendError(f'"{path}" is {name} as a single file', advice)
            return BackendError(f'"{path}" is {name}, which this engine cannot train', advice)
    if any(one.checkpoint and one.checkpoint.input_weight in entries for one in ARCHITECTURES.values()):
        return BackendError(f'"{path}" holds a UNet without its text encoders', "fetch the whole checkpoint")
    return BackendError(f'"{path}" is of no architecture that is known here', advice)


def _check_task(path: Path, entries: Mapping[str, Any], keys: CheckpointKeys) -> None:
    shape = entries.get(keys.input_weight, {}).get("shape", [0, keys.input_channels])
    if shape[1] != keys.input_channels:
        task = "inpainting" if shape[1] == INPAINTING_CHANNELS else "editing pictures"
        raise BackendError(f'"{path}" is made for {task}', "choose a plain text-to-image checkpoint")
    if any(key in entries for key in EDM):
        raise BackendError(f'"{path}" is an EDM variant (Playground 2.5, CosXL)', "choose one that predicts noise or v")


def _check_layers(path: Path, entries: Mapping[str, Any], architecture: Architecture) -> None:
    """Raise BackendError where layers of the architecture are missing: the file is damaged, or has fewer blocks."""
    expected = list(architecture.layers(architecture.configs))
    missing = [key for key in expected if key not in entries]
    if not missing:
        return
    counted = f"{len(missing)} of {len(expected)} layers are missing"
    if len(missing) > MOST_LACKING * len(expected):
        message = f'"{path}" has fewer blocks than {architecture.title} ({counted}), like SSD-1B and other small ones'
        raise BackendError(message, f"choose a whole checkpoint of {architecture.title}")
    raise BackendError(f'"{path}" is not whole: {counted}, such as "{missing[0]}"', "fetch the model again")


def _any_begins(entries: Iterable[str], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in entries)
