"""Loading a single-file checkpoint with the configs that this package ships, and the VAE of another file.

Keys of NovelAI's time are renamed. Nothing is downloaded. Knows no prompt, no adapter and no training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bootstrap.backends.architectures import Architecture
from bootstrap.backends.predictions import prediction_of_file
from bootstrap.backends.single_file import SingleFile, read_checkpoint

__all__ = ["load_file", "load_vae"]


def load_file(path: Path, architecture: Architecture, dtype: torch.dtype, vae: str) -> Any:
    """The pipeline of a checkpoint; ``vae`` is the path of another VAE, "" for its own."""
    import diffusers

    found = read_checkpoint(path, vae_given=bool(vae))
    parts = {"vae": load_vae(vae or str(path), architecture), **architecture.make_tokenizers()}
    if found.has_old_names:
        parts["text_encoder"] = _text_encoder(path, found, dtype)
    pipe = getattr(diffusers, architecture.pipeline).from_single_file(
        str(path), config=str(architecture.configs), dtype=dtype, local_files_only=True, **parts
    )
    prediction = prediction_of_file(path, found)
    architecture.set_schedule(pipe, prediction.kind, prediction.zero_terminal_snr)
    return pipe


def load_vae(path: str, architecture: Architecture) -> Any:
    """The autoencoder in a checkpoint, or in a file of its own, in float32, whose half precision overflows."""
    import diffusers

    return getattr(diffusers, architecture.autoencoder).from_single_file(
        str(Path(path).expanduser()),
        config=str(architecture.configs),
        subfolder="vae",
        dtype=torch.float32,
        local_files_only=True,
    )


def _text_encoder(path: Path, found: SingleFile, dtype: torch.dtype) -> Any:
    """The text encoder of a file whose keys are named as in NovelAI's."""
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm
    from safetensors import safe_open
    from transformers import CLIPTextModel

    keys = found.architecture.checkpoint
    assert keys is not None
    tensors = {}
    with safe_open(path, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 - it is no mapping
            if key.startswith(keys.text_encoder):
                tensors[keys.usual(key)] = file.get_tensor(key)
    return create_diffusers_clip_model_from_ldm(
        CLIPTextModel,
        checkpoint=tensors,
        subfolder="text_encoder",
        config=str(found.architecture.configs),
        torch_dtype=dtype,
        local_files_only=True,
    )
