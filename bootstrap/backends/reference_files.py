"""The files of a reference adapter on the disk: whether they are there, and fit a base. Imports no model library."""

from __future__ import annotations

import json
from pathlib import Path

from bootstrap.backends.bases import check_base
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.errors import BackendError
from bootstrap.lora.header import read_header
from bootstrap.machine.hub import HUB_ID, cached

__all__ = ["check_reference", "reference_folder"]

NONE = "or draw from words with --reference none"
KEYS = "ip_adapter.1.to_k_ip.weight"
"""The first keys of a cross-attention; its second axis is as wide as the text states of the base."""


def reference_folder(path: Path, file: str) -> Path:
    """The folder of an adapter: as it is, or that of a model in the Hugging Face cache by its id."""
    if not path.exists() and HUB_ID.fullmatch(path.as_posix()):
        return cached(path.as_posix(), file) or path
    return path


def check_reference(settings: ReferenceSettings, path: Path, base: Path) -> Path:
    """The folder of the adapter, which is whole and fits the base. Raises BackendError, in one line, when not."""
    folder = reference_folder(path, settings.file)
    encoder = f"{settings.image_encoder}/config.json"
    for wanted in (settings.file, encoder):
        if not (folder / wanted).is_file():
            fetch = f"hf download {path.as_posix()} fetches it" if HUB_ID.fullmatch(path.as_posix()) else "fetch it"
            raise BackendError(f'the reference adapter "{folder}" has no "{wanted}"', f"{fetch}, {NONE}")
    entry = read_header(folder / settings.file).get(KEYS)
    if entry is None:
        raise BackendError(f'"{folder / settings.file}" is no IP-Adapter: it has no "{KEYS}"', f"choose one, {NONE}")
    width, wanted_width = entry["shape"][1], _text_width(base)
    if width != wanted_width:
        problem = f'"{folder / settings.file}" is made for text states of {width}, the base has {wanted_width}'
        raise BackendError(problem, f"choose an IP-Adapter for the base's architecture, {NONE}")
    return folder


def _text_width(base: Path) -> int:
    """How wide the text states are that a base's denoiser takes."""
    architecture = check_base(base)
    folder = base if base.is_dir() else architecture.configs
    config = json.loads((folder / architecture.denoiser / "config.json").read_text(encoding="utf-8"))
    return int(config["cross_attention_dim"])
