"""Whether a single file is a checkpoint that this engine can use, told from its header alone.

User interfaces keep a base as one ``.safetensors`` file in the original layout. Its keys say which architecture it is, and
whether it predicts velocity; nothing is unpickled. Imports no model library.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.backends.architectures import ARCHITECTURES, Architecture
from bootstrap.errors import BackendError

__all__ = ["UNET", "SingleFile", "read_checkpoint", "read_header"]

UNET = "model.diffusion_model."
FIRST = f"{UNET}input_blocks.0.0.weight"
VAE = "first_stage_model."
TEXT = {"sdxl": "conditioner.embedders.1.model.transformer.", "sd1": "cond_stage_model.transformer."}
"""Architecture → how the keys of a text encoder begin that only this architecture has; SDXL has the first one too."""
OTHERS = {
    "Stable Diffusion 2": ("cond_stage_model.model.transformer.",),
    "the refiner of Stable Diffusion XL": ("conditioner.embedders.0.model.transformer.",),
    "Stable Diffusion 3": ("joint_blocks.", f"{UNET}joint_blocks."),
    "Flux": ("double_blocks.", f"{UNET}double_blocks."),
    "a transformer model": ("transformer_blocks.", f"{UNET}transformer_blocks.", f"{UNET}layers.", "layers."),
    "a ControlNet": ("control_model.", "controlnet_"),
    "a VAE": ("encoder.", "decoder."),
    "a UNet in diffusers' layout": ("down_blocks.", "conv_in."),
    "a text encoder": ("text_model.", "transformer.text_model."),
    "a textual inversion": ("emb_params", "clip_l", "clip_g", "string_to_param"),
}
"""What else people keep as one file → how its keys begin."""
LORA = ("lora_", ".lora.", ".lora_A.", ".lora_B.", ".hada_w", ".lokr_w")
PLAIN = 4
"""Channels of the UNet's input; further ones are masks or pictures."""
LONGEST_HEADER = 100_000_000
"""Bytes; the limit of the format."""
ADVICE = "choose a checkpoint of Stable Diffusion 1.x or XL"


@dataclass(frozen=True)
class SingleFile:
    """What a checkpoint says of itself; ``prediction_type`` is "epsilon" or "v_prediction"."""

    architecture: Architecture
    prediction_type: str
    zero_terminal_snr: bool


def read_checkpoint(path: Path) -> SingleFile:
    """Look into a file's header. Raises BackendError, in one line, when it is no whole checkpoint of a known architecture."""
    entries = read_header(path)
    facts = {str(key): str(value) for key, value in entries.pop("__metadata__", {}).items()}
    architecture = _architecture(path, entries)
    _check_task(path, entries)
    _check_whole(path, entries)
    told = facts.get("modelspec.prediction_type", "")
    velocity = "v_pred" in entries or told in ("v", "v_prediction", "v-prediction")
    return SingleFile(architecture, "v_prediction" if velocity else "epsilon", velocity and "ztsnr" in entries)


def read_header(path: Path) -> dict[str, Any]:
    """The entries of a safetensors file, ``__metadata__`` among them. Raises BackendError unless all tensors are there.

    An entry has ``dtype``, ``shape`` and ``data_offsets``.
    """
    if path.suffix.lower() != ".safetensors":
        raise BackendError(
            f'"{path}" is no .safetensors file; other formats can run code when they are opened',
            "fetch the model as .safetensors",
        )
    try:
        with path.open("rb") as file:
            start = file.read(8)
            (length,) = struct.unpack("<Q", start)
            text = file.read(length) if length <= LONGEST_HEADER else b""
        entries: dict[str, Any] = json.loads(text)
        end = max((entry["data_offsets"][1] for key, entry in entries.items() if key != "__metadata__"), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise BackendError(f'"{path}" is no safetensors file that can be read', "fetch it again") from error
    if path.stat().st_size < 8 + length + end:
        have = f"{path.stat().st_size} of {8 + length + end} bytes"
        raise BackendError(f'"{path}" is cut short: {have}', "fetch it again")
    return entries


def _architecture(path: Path, entries: Mapping[str, Any]) -> Architecture:
    if any(mark in key for key in list(entries)[:8] for mark in LORA):
        raise BackendError(f'"{path}" is a LoRA, not a base', "give the checkpoint that it was trained on")
    if not any(key.startswith(UNET) for key in entries):
        raise _unknown(path, entries)
    for name, prefix in TEXT.items():
        if any(key.startswith(prefix) for key in entries):
            return ARCHITECTURES[name]
    raise _unknown(path, entries)


def _unknown(path: Path, entries: Mapping[str, Any]) -> BackendError:
    """What a file is instead, as far as its keys tell."""
    for name, prefixes in OTHERS.items():
        if any(key.startswith(prefixes) for key in entries):
            return BackendError(f'"{path}" is {name}, which this engine cannot train', ADVICE)
    if FIRST in entries:
        return BackendError(f'"{path}" holds a UNet without its text encoders', "fetch the whole checkpoint")
    return BackendError(f'"{path}" is of no architecture that is known here', ADVICE)


def _check_task(path: Path, entries: Mapping[str, Any]) -> None:
    shape = entries.get(FIRST, {}).get("shape", [0, PLAIN])
    if shape[1] != PLAIN:
        task = "inpainting" if shape[1] == 9 else "editing pictures"
        raise BackendError(f'"{path}" is made for {task}', "choose a plain text-to-image checkpoint")


def _check_whole(path: Path, entries: Mapping[str, Any]) -> None:
    for prefix, what in ((VAE, "no VAE in it"), (FIRST, "no whole UNet in it")):
        if not any(key.startswith(prefix) for key in entries):
            raise BackendError(f'"{path}" has {what}', "fetch the whole checkpoint, pruned or not")
