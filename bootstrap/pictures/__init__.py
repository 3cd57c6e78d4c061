"""Pictures: opening them, gathering folders of them with their captions, laying them out on sheets. Knows no run."""

from __future__ import annotations

from bootstrap.pictures.folders import SIDECARS, PictureFile, orphans, pictures_in, read_picture, read_pictures
from bootstrap.pictures.opening import SUFFIXES, open_picture, square

__all__ = [
    "SIDECARS",
    "SUFFIXES",
    "PictureFile",
    "open_picture",
    "orphans",
    "pictures_in",
    "read_picture",
    "read_pictures",
    "square",
]
