"""Models of the Hugging Face hub that this machine holds, by their id: in the hub's cache, or fetched by us.

Asks the disk alone; fetches nothing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from bootstrap.machine.inventory import cache_folder

__all__ = ["HUB_ID", "cached", "fetched", "hub_id", "kept"]

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
"""``owner/name``."""
PREFIX = "models--"
WHOLE = ("model_index.json", "open_clip_config.json")
"""Files that only the folder of a whole model has."""


def cached(model: str, file: str = "") -> Path | None:
    """Where the cache has a model: its folder, or its one checkpoint file; None where it has neither.

    With ``file``, the folder that has this one.

    The cache's layout and the variables that move it are huggingface_hub's.
    """
    home = _cache() / f"{PREFIX}{model.replace('/', '--')}"
    try:
        revision = (home / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    folder = home / "snapshots" / revision
    if file:
        return folder if (folder / file).is_file() else None
    return _whole_in(folder)


def fetched(model: str) -> Path:
    """Where files of a model lie, under their paths, that ``bootstrap doctor --fetch`` and ``setup`` keep."""
    return cache_folder() / "models" / model.replace("/", "--")


def kept(model: str) -> Path | None:
    """A whole model among what was fetched: its folder, or its one checkpoint file; None where it is not there."""
    return _whole_in(fetched(model))


def _whole_in(folder: Path) -> Path | None:
    if any((folder / name).is_file() for name in WHOLE):
        return folder
    files = sorted(folder.glob("*.safetensors"))
    return files[0] if len(files) == 1 else None


def hub_id(path: Path) -> str:
    """The id of the model that a file or folder of the cache belongs to; "" for what lies elsewhere."""
    for folder in (path, *path.parents):
        if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith(PREFIX):
            return folder.parent.parent.name.removeprefix(PREFIX).replace("--", "/")
    return ""


def _cache() -> Path:
    if place := os.environ.get("HF_HUB_CACHE"):
        return Path(place).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "huggingface" / "hub"
