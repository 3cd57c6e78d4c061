"""Pictures for the page: whole, and thumbnails that are made once and kept in the run.

Every file is found through the database; nothing that a client sends becomes part of a path. Knows no request.
"""

from __future__ import annotations

import contextlib
import io
import secrets
from pathlib import Path

from PIL import Image

from bootstrap.errors import StoreError, UsageError
from bootstrap.pictures import as_rgb, open_any
from bootstrap.records import Frame, Seed
from bootstrap.store.store import Store

__all__ = ["MOST_PIXELS", "SIDES", "RunPictures", "decoded"]

SIDES = {"s": 96, "m": 192, "l": 384}
"""Longest side of the three sizes of thumbnails, in pixels."""
MOST_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP")


class RunPictures:
    """The pictures of an open run."""

    def __init__(self, store: Store) -> None:
        """Read from ``store``; thumbnails lie in its folder ``review/thumbs``."""
        self._store, self._folder = store, store.directory / "review" / "thumbs"

    def whole(self, frame: Frame) -> bytes | None:
        """The file of a frame; None when it is lost, or not the picture that was stored."""
        return None if self._stored(frame) is None else _bytes(self._store.directory / frame.path)

    def seed(self, seed: Seed) -> bytes | None:
        """A seed as PNG, at most 1024 pixels wide and high; None when it is lost or broken."""
        try:
            with open_any((self._store.directory / seed.path).read_bytes()) as image:
                return _small(as_rgb(image), 1024, "PNG")
        except Exception:  # a decoder fed with a damaged file may raise anything
            return None

    def thumbnail(self, frame: Frame, size: str) -> bytes | None:
        """A frame as WebP, never enlarged; None when `whole` has none. ``size`` is a key of `SIDES`."""
        path = self._folder / f"{frame.digest}-{SIDES[size]}.webp"
        existing = _bytes(path)
        if existing is not None and _is_whole(existing):
            return existing
        image = self._stored(frame)
        if image is None:
            return None
        small = _small(image, SIDES[size], "WEBP")
        self._keep(path, small)
        return small

    def _stored(self, frame: Frame) -> Image.Image | None:
        """The picture of a frame; a person must not judge another one in its place."""
        try:
            return self._store.frame_image(frame)
        except StoreError:
            return None

    def _keep(self, path: Path, data: bytes) -> None:
        """Cache a thumbnail; a full disk only costs the time to make it again. No fsync: nothing is lost."""
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.bootstrap-part")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(data)
            beside.replace(path)


def decoded(data: bytes) -> Image.Image:
    """A picture that somebody sent, RGB, decoded to its last pixel. Raises UsageError for anything else."""
    try:
        with open_any(data, FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                size = f"{image.width} x {image.height}"
                raise UsageError(f'the picture is too large: "{size}"', f"at most {MOST_PIXELS // 10**6} megapixels")
            return as_rgb(image)
    except UsageError:
        raise
    except Exception as error:  # a decoder fed with anything may raise anything
        raise UsageError("this is not a picture that can be read", "send a whole PNG, JPEG or WebP") from error


def _small(image: Image.Image, side: int, format: str) -> bytes:
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, format=format, quality=84)
    return buffer.getvalue()


def _is_whole(data: bytes) -> bool:
    """Whether a WebP has the length that it states: one that was not forced to disk may be cut short."""
    return data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 == len(data)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
