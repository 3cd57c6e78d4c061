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

__all__ = ["SingleFile", "read_checkpoint"]

DENOISER = "model.diffusion_model."
OTHERS = {
    "Stable Diffusion 2": ("cond_stage_model.model.transformer.",),
    "the refiner of Stable Diffusion XL": ("conditioner.embedders.0.model.transformer.",),
    "Stable Diffusion 3": ("joint_blocks.", f"{DENOISER}joint_blocks."),
    "Flux": ("double_blocks.", f"{DENOISER}double_blocks."),
    "a transformer model": ("transformer_blocks.", f"{DENOISER}transformer_blocks.", f"{DENOISER}layers.", "layers."),
    "a ControlNet": ("control_model.", "controlnet_"),
    "a VAE": ("encoder.", "decoder."),
    "a UNet in diffusers' layout": ("down_blocks.", "conv_in."),
    "a text encoder": ("text_model.", "transformer.text_model."),
    "a textual inversion": ("emb_params", "clip_l", "clip_g", "string_to_param"),
}
"""What else people keep as one file → how its keys begin."""
LORA = ("lora_", ".lora.", ".lora_A.", ".lora_B.", ".hada_w", ".lokr_w")
LOOKED_AT = 8
"""Keys of a file that show whether it is a LoRA."""
INPAINTING_CHANNELS = 9
"""Latents, a masked picture's latents, and a mask."""


@dataclass(frozen=True)
class SingleFile:
    """What a checkpoint's header says; ``prediction_type`` is "epsilon" or "v_prediction"."""

    architecture: Architecture
    prediction_type: str
    zero_terminal_snr: bool


def read_checkpoint(path: Path) -> SingleFile:
    """Read a file's header. Raises BackendError, in one line, unless it is a whole checkpoint that is known."""
    entries = read_header(path)
    metadata = {str(key): str(value) for key, value in entries.pop("__metadata__", {}).items()}
    architecture, keys = _architecture(path, entries)
    _check_task(path, entries, keys)
    for prefix, problem in ((keys.vae, "no VAE in it"), (keys.input_weight, "no whole UNet in it")):
        if not _any_begins(entries, prefix):
            raise BackendError(f'"{path}" has {problem}', "fetch the whole checkpoint, pruned or not")
    prediction_type, zero_terminal_snr = architecture.read_prediction(entries, metadata)
    return SingleFile(architecture, prediction_type, zero_terminal_snr)


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
        if any(_any_begins(entries, prefix) for prefix in prefixes):
            return BackendError(f'"{path}" is {name}, which this engine cannot train', advice)
    if any(one.checkpoint and one.checkpoint.input_weight in entries for one in ARCHITECTURES.values()):
        return BackendError(f'"{path}" holds a UNet without its text encoders', "fetch the whole checkpoint")
    return BackendError(f'"{path}" is of no architecture that is known here', advice)


def _check_task(path: Path, entries: Mapping[str, Any], keys: CheckpointKeys) -> None:
    shape = entries.get(keys.input_weight, {}).get("shape", [0, keys.input_channels])
    if shape[1] != keys.input_channels:
        task = "inpainting" if shape[1] == INPAINTING_CHANNELS else "editing pictures"
        raise BackendError(f'"{path}" is made for {task}', "choose a plain text-to-image checkpoint")


def _any_begins(entries: Iterable[str], prefix: str) -> bool:
    return any(key.startswith(prefix) for key in entries)
