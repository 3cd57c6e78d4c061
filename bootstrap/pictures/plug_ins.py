"""Opening with Pillow: formats that need a plug-in are named, and colours stated without a profile become one."""

from __future__ import annotations

import importlib
import io
import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from bootstrap.pictures.png_chunks import color_chunks
from bootstrap.pictures.stated_colors import profile_of_chunks, profile_of_exif
from bootstrap.pictures.video_colors import profile_of_code_points, unknown_code_points

__all__ = ["PLUG_INS", "UNKNOWN_COLORS", "MissingPlugIn", "PlugIn", "open_any"]


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
SAYING_SRGB = frozenset({b"cICP", b"sRGB", b"gAMA", b"cHRM"})
"""Chunks of a PNG that come before EXIF, also where what they say is sRGB."""
MOST_HEAD = 1 << 16
"""Bytes in which the head of an AVIF or HEIF is looked for."""
CAMERAS, SRGB_CURVE = (1, 6, 14, 15), 13
"""TransferCharacteristics of BT.709, BT.601 and BT.2020, and that of sRGB."""
UNKNOWN_COLORS = "unknown colors"
"""Where ``info`` says which colours a picture states that cannot be converted."""


class MissingPlugIn(UnidentifiedImageError):
    """A picture of a format whose plug-in is not installed."""


def open_any(data: bytes | Path, formats: tuple[str, ...] | None = None) -> Image.Image:
    """A picture as Pillow opens it, of one of the ``formats`` (None: any); its pixels are not decoded yet.

    ``info["icc_profile"]`` is there for every picture that states other colours than sRGB, in whatever way.

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
    """Without a warning of the size, which whoever decodes looks at, or of damage: what cannot be read is refused."""
    data, chunks = color_chunks(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            opened = Image.open(io.BytesIO(data), formats=formats)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise
        except Exception as error:  # readers of damaged headers raise anything
            raise UnidentifiedImageError(f"is damaged ({error})") from error
    profile = profile_of_chunks(chunks, opened.info.pop("icc_profile", None))
    box = _color_box(data)
    if profile is None and box:
        profile = profile_of_code_points(box) or None
    elif profile is None and not chunks.keys() & SAYING_SRGB:
        profile = _profile_of_exif(opened)
    if profile is not None:
        opened.info["icc_profile"] = profile
    if unknown := unknown_code_points(chunks.get(b"cICP", b"") or (b"" if profile else box)):
        opened.info[UNKNOWN_COLORS] = unknown
    return opened


def _color_box(data: bytes) -> bytes:
    """What the ``nclx`` box of an AVIF or HEIF states, in the form of cICP; b"" where there is none.

    The decoder has made RGB of full range of it. The curves of cameras (BT.709 and its kin) are what encoders write
    who know nothing better: screens show them by that of sRGB.
    """
    place = data.find(b"colrnclx", 0, MOST_HEAD) if data[4:8] == b"ftyp" else -1
    if place < 0 or len(data) < place + 12:
        return b""
    primaries, curve = struct.unpack_from(">HH", data, place + 8)
    if max(primaries, curve) > 255:
        return b""
    return bytes((primaries, SRGB_CURVE if curve in CAMERAS else curve, 0, 1))


def _profile_of_exif(opened: Image.Image) -> bytes | None:
    """What the EXIF of a picture says of its colours; None where it cannot be read."""
    exif = Image.Exif()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            if opened.format == "TIFF":
                exif = opened.getexif()
            else:
                exif.load(opened.info.get("exif", b""))
            return profile_of_exif(exif)
        except Exception:  # EXIF that is damaged may raise anything
            return None
