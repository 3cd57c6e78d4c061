"""Pictures: opening them, gathering folders of them with their captions, laying them out on sheets. Knows no run."""

from __future__ import annotations

from bootstrap.pictures.folders import (
    SIDECARS,
    PictureFile,
    orphans,
    pictures_in,
    read_picture,
    read_pictures,
    sharing,
    unread_beside,
    unread_pictures,
    unread_sentence,
)
from bootstrap.pictures.opening import SUFFIXES, alpha_of, as_rgb, open_picture, square, unknown_colors
from bootstrap.pictures.plug_ins import open_any

__all__ = [
    "SIDECARS",
    "SUFFIXES",
    "PictureFile",
    "alpha_of",
    "as_rgb",
    "open_any",
    "open_picture",
    "orphans",
    "pictures_in",
    "read_picture",
    "read_pictures",
    "sharing",
    "square",
    "unknown_colors",
    "unread_beside",
    "unread_pictures",
    "unread_sentence",
]
