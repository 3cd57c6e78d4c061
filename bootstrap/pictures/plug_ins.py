"""Formats that Pillow reads with a plug-in: HEIC of phones, JPEG XL. One that is missing is named."""

from __future__ import annotations

import importlib
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

__all__ = ["PLUG_INS", "MissingPlugIn", "PlugIn", "open_any"]


@dataclass(frozen=True, slots=True)
class PlugIn:
    """A format: its name, how its files begin, the package that reads it, its module, and what registers it."""

    format: str
    begins: re.Pattern[bytes]
    package: str
    module: str
    register: str = ""


PLUG_INS = (
    PlugIn("HEIC", re.compile(rb"(?s)....ftyp(he|mif1|msf1)"), "pillow-heif", "pillow_heif", "register_heif_opener"),
    PlugIn("JPEG XL", re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "pillow-jxl-plugin", "pillow_jxl"),
)


class MissingPlugIn(UnidentifiedImageError):
    """A picture of a format whose plug-in is not installed."""


def open_any(data: bytes | Path, formats: tuple[str, ...] | None = None) -> Image.Image:
    """A picture as Pillow opens it, of one of the ``formats`` (None: any); its pixels are not decoded yet.

    Raises MissingPlugIn, and what `Image.open` raises.
    """
    if isinstance(data, Path):
        data = data.read_bytes()
    try:
        return _quietly(data, formats)
    except UnidentifiedImageError:
        plug_in = next((one for one in PLUG_INS if formats is None and one.begins.match(data)), None)
        if plug_in is None:
            raise
    try:
        module = importlib.import_module(plug_in.module)
    except ImportError:
        reason = f'is {plug_in.format}, which needs the package "{plug_in.package}"'
        raise MissingPlugIn(reason) from None
    if plug_in.register:
        getattr(module, plug_in.register)()
    return _quietly(data, formats)


def _quietly(data: bytes, formats: tuple[str, ...] | None) -> Image.Image:
    """Without a warning of the size: whoever decodes looks at it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data), formats=formats)
