"""The pictures that a drawer is shown beside its prompts, opened as they were planned with. Knows no model."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from bootstrap.errors import BackendError
from bootstrap.pictures import open_picture
from bootstrap.records import Reference, Region
from scoring.measurement import digest_of

__all__ = ["START", "RegionFiles", "open_shown"]

START = "picture that a drawing begins from"
"""What a message calls it."""


def open_shown(folder: Path, shown: Reference, named: str, smallest: int = 64) -> Image.Image:
    """The picture of a reference whose path is relative to ``folder``; ``named`` is what a message calls it.

    Raises BackendError for one that is missing, or not the picture that was planned with.
    """
    path = folder / shown.path
    if not path.is_file():
        raise BackendError(f'the {named} "{path}" is missing', "restore it from a copy")
    image, data = open_picture(path, smallest)
    if shown.sha256 not in (hashlib.sha256(data).hexdigest(), digest_of(image)):
        raise BackendError(f'the {named} "{path}" was altered', "restore it from a copy")
    return image


class RegionFiles:
    """Where the LoRAs of regions lie: their paths are relative to a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, region: Region) -> Path | None:
        """The file of a region's LoRA, None for the base alone. Raises BackendError where it is not there."""
        if not region.adapter:
            return None
        path = self._folder / region.adapter
        if not path.is_file():
            raise BackendError(f'the LoRA "{path}" of a region is missing', "restore it, or begin in another folder")
        return path
