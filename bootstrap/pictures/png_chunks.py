"""The chunks of a PNG that state its colours, and a PNG without those of them that are malformed. Knows no colour."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

__all__ = ["SIGNATURE", "color_chunks", "numbers_in"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LENGTHS = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
PROFILE = b"iCCP"
LONGEST_PROFILE = 1 << 20
"""Bytes that Pillow unpacks at most."""
FRAME = 12
"""Bytes of a chunk besides its data: length, name, checksum."""


def color_chunks(data: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """A PNG without malformed chunks of colours, and the data of the others by name; any other file as it is.

    A chunk is malformed that has another length, a wrong checksum, or a profile that cannot be unpacked; so is a second
    one of its name.
    """
    if not data.startswith(SIGNATURE):
        return data, {}
    found: dict[bytes, bytes] = {}
    bad: list[tuple[int, int]] = []
    for name, start, end in _before_pixels(data):
        if name not in (PROFILE, *LENGTHS):
            continue
        body = data[start + 8 : end - 4]
        if (
            name in found
            or not _is_whole(name, body)
            or data[end - 4 : end] != struct.pack(">I", zlib.crc32(name + body))
        ):
            bad.append((start, end))
        else:
            found[name] = body
    for start, end in reversed(bad):
        data = data[:start] + data[end:]
    return data, found


def numbers_in(body: bytes) -> tuple[int, ...]:
    """The unsigned numbers of 4 bytes each in the data of a chunk."""
    return struct.unpack(f">{len(body) // 4}I", body[: len(body) // 4 * 4])


def _before_pixels(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each chunk before the pixels."""
    start = len(SIGNATURE)
    while start + FRAME <= len(data):
        length, name = struct.unpack_from(">I4s", data, start)
        end = start + FRAME + length
        if name == b"IDAT" or end > len(data):
            return
        yield name, start, end
        start = end


def _is_whole(name: bytes, body: bytes) -> bool:
    if name in LENGTHS:
        return len(body) == LENGTHS[name]
    title, _, packed = body.partition(b"\0")
    if not 1 <= len(title) <= 79 or packed[:1] != b"\0":
        return False
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(packed[1:], LONGEST_PROFILE)
    except zlib.error:
        return False
    return unpacking.eof
