"""The files of a ControlNet on the disk: whether they are there, and fit a base. Imports no model library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bootstrap.backends.bases import denoiser_config
from bootstrap.backends.folder import weights_of
from bootstrap.errors import BackendError
from bootstrap.machine.hub import HUB_ID, cached

__all__ = ["check_control", "missing_of_control"]

NONE = "or draw without one with --control none"
CONFIG = "config.json"
KIND = "ControlNetModel"
SHARED = {
    "cross_attention_dim": "text states of {}",
    "block_out_channels": "blocks of {} channels",
    "in_channels": "latents of {} channels",
    "addition_embed_type": 'the added conditions "{}"',
}
"""What a ControlNet must have as the base's denoiser has it → how a person is told of it."""
COLORS = 3
"""Channels of a control picture."""


def missing_of_control(path: Path) -> str:
    """What this machine lacks of a ControlNet, in words, "" for nothing; ``path`` is a folder or an id."""
    folder = _folder(path)
    if not (folder / CONFIG).is_file():
        return f'"{CONFIG}"'
    return "" if weights_of(folder) else "weights (*.safetensors)"


def check_control(path: Path, base: Path) -> Path:
    """The folder of a ControlNet, which is whole and fits the base. Raises BackendError, in one line, when not.

    ``path`` is a folder, or the id of a model in the Hugging Face cache.
    """
    folder = _folder(path)
    if missing := missing_of_control(path):
        way = "give the folder of one"
        if not path.exists() and HUB_ID.fullmatch(path.as_posix()):
            way = f"hf download {path.as_posix()} fetches it"
        raise BackendError(f'the ControlNet "{folder}" has no {missing}', f"{way}, {NONE}")
    config = _config(folder)
    kind = config.get("_class_name")
    if kind != KIND:
        raise BackendError(f'"{folder}" holds a "{kind}", not a {KIND}', f"choose one, {NONE}")
    if (channels := config.get("conditioning_channels", COLORS)) != COLORS:
        problem = f'"{folder}" takes control pictures of {channels} channels, ours have {COLORS}'
        raise BackendError(problem, f"choose another ControlNet, {NONE}")
    denoiser = denoiser_config(base)
    for name, words in SHARED.items():
        own, wanted = config.get(name), denoiser.get(name)
        if name in config and own != wanted:
            problem = f'"{folder}" is made for {words.format(own)}, the base has {wanted}'
            raise BackendError(problem, f"choose a ControlNet for the base's architecture, {NONE}")
    return folder


def _folder(path: Path) -> Path:
    """The folder of a ControlNet: as it is, or by its id that of the Hugging Face cache."""
    if path.exists() or not HUB_ID.fullmatch(path.as_posix()):
        return path
    return cached(path.as_posix(), CONFIG) or path


def _config(folder: Path) -> dict[str, Any]:
    """The configuration of a model. Raises BackendError where it cannot be read."""
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
        reason = "no mapping"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise BackendError(f'"{folder / CONFIG}" cannot be read ({reason})', "fetch the model again")
