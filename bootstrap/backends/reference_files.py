"""The files of a reference adapter on the disk: whether they are there, and fit a base. Imports no model library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootstrap.backends.bases import denoiser_config
from bootstrap.backends.folder import weights_of
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.errors import BackendError
from bootstrap.lora.header import read_header
from bootstrap.machine.hub import HUB_ID, cached, fetched

__all__ = ["check_reference", "missing_of_reference"]

NONE = "or draw from words with --reference none"
KEYS = "ip_adapter.1.to_k_ip.weight"
"""The first keys of a cross-attention; its second axis is as wide as the text states of the base."""
FEATURES = {"image_proj.proj_in.weight": "hidden_size", "image_proj.proj.weight": "projection_dim"}
"""Key of an adapter, IP-Adapter Plus or plain → what of the image encoder's config its second axis must be."""


def missing_of_reference(settings: ReferenceSettings, path: Path) -> str:
    """What this machine lacks of an adapter, "" for nothing; ``path`` is that of the settings, as a real one."""
    return _missing(_folder(settings, path), settings) if settings.path else ""


def check_reference(settings: ReferenceSettings, path: Path, base: Path, fetching: str = "") -> Path:
    """The folder of the adapter, which is whole and fits the base. Raises BackendError, in one line, when not.

    ``fetching`` is the command that fetches it, where there is one.
    """
    folder = _folder(settings, path)
    if missing := _missing(folder, settings):
        if not fetching and HUB_ID.fullmatch(path.as_posix()):
            fetching = f"hf download {path.as_posix()}"
        way = f"{fetching} fetches it" if fetching else "fetch it"
        raise BackendError(f'the reference adapter "{folder}" has no "{missing}"', f"{way}, {NONE}")
    header = read_header(folder / settings.file)
    entry = header.get(KEYS)
    if entry is None:
        raise BackendError(f'"{folder / settings.file}" is no IP-Adapter: it has no "{KEYS}"', f"choose one, {NONE}")
    width, wanted_width = entry["shape"][1], int(denoiser_config(base)["cross_attention_dim"])
    if width != wanted_width:
        problem = f'"{folder / settings.file}" is made for text states of {width}, the base has {wanted_width}'
        raise BackendError(problem, f"choose an IP-Adapter for the base's architecture, {NONE}")
    _check_encoder(folder, settings, header)
    return folder


def _folder(settings: ReferenceSettings, path: Path) -> Path:
    """The folder of an adapter: as it is, or by its id that of the Hugging Face cache, or what ``doctor`` fetched."""
    model = path.as_posix()
    if path.exists() or not HUB_ID.fullmatch(model):
        return path
    places = [place for place in (cached(model, settings.file), fetched(model)) if place and place.is_dir()]
    return next((place for place in places if not _missing(place, settings)), (places or [path])[0])


def _missing(folder: Path, settings: ReferenceSettings) -> str:
    """The first file that a folder lacks of an adapter with its image encoder; "" for none."""
    encoder = settings.image_encoder
    for wanted in (settings.file, f"{encoder}/config.json"):
        if not (folder / wanted).is_file():
            return wanted
    return "" if weights_of(folder / encoder) else f"{encoder}/model.safetensors"


def _check_encoder(folder: Path, settings: ReferenceSettings, header: Mapping[str, Any]) -> None:
    """Raise BackendError where the image encoder is none, or not the one that the adapter was trained with."""
    path = folder / settings.image_encoder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        config = config.get("vision_config", config)
        for key, name in FEATURES.items():
            if key in header and header[key]["shape"][1] != config[name]:
                wanted = header[key]["shape"][1]
                problem = f'"{settings.file}" takes features of {wanted}, the image encoder "{path.parent}" gives'
                raise BackendError(f"{problem} {config[name]}", f"set base.reference.image_encoder, {NONE}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackendError(f'"{path}" describes no image encoder ({error})', f"fetch it again, {NONE}") from error
