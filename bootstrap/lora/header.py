"""The bytes of safetensors files: headers read without loading a tensor, weights counted, files written reproducibly.

Nothing is unpickled. Knows no module and no architecture.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bootstrap.errors import BackendError
from bootstrap.store.files import require_file, write_atomic
from bootstrap.store.near_files import or_near

__all__ = ["count_weights", "metadata_of", "read_header", "read_tensor", "read_tensors", "write_safetensors"]

LONGEST_HEADER = 100_000_000
"""Bytes; the limit of the format."""
METADATA = "__metadata__"
NUMBERS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
"""Kinds of number that LoRA files hold → numpy's; diffusers writes alpha as an integer."""
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Bytes of a number, where they are known; checkpoints hold more kinds than LoRA files."""
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error)


def read_header(path: Path) -> dict[str, Any]:
    """The entries of a safetensors file, ``__metadata__`` among them. Raises BackendError unless all tensors are there.

    An entry has ``dtype``, ``shape`` and ``data_offsets``.
    """
    if path.suffix.lower() != ".safetensors":
        raise BackendError(
            f'"{path}" is no .safetensors file; other formats can run code when they are opened',
            "fetch the model as .safetensors",
        )
    try:
        entries, start = _parsed(path)
        ends = [entry["data_offsets"][1] for key, entry in entries.items() if key != METADATA]
        size = path.stat().st_size
    except FileNotFoundError:
        raise BackendError(f'no such file "{path}"', or_near(path, "give the path of a .safetensors file")) from None
    except OSError as error:
        hint = "check the path, and that you may read it"
        raise BackendError(f'"{path}" cannot be read: {error.strerror or error}', hint) from error
    except UNREADABLE as error:
        raise BackendError(f'"{path}" is no safetensors file that can be read', "fetch it again") from error
    needed = start + max(ends, default=0)
    if size < needed:
        raise BackendError(f'"{path}" is cut short: {size} of {needed} bytes', "fetch it again")
    return entries


def metadata_of(path: Path) -> dict[str, str]:
    """The ``__metadata__`` of a safetensors file. Raises BackendError when it cannot be read."""
    try:
        found: dict[str, str] = _parsed(path)[0][METADATA]
    except UNREADABLE as error:
        raise BackendError(f'"{path}" has no metadata that can be read ({error})', "train it again") from error
    return found


def count_weights(path: Path, prefix: str = "") -> int:
    """Weights in one safetensors file whose names begin with ``prefix``; 0 when its header cannot be read."""
    try:
        entries = read_header(path)
    except BackendError:
        return 0
    names = [name for name in entries if name != METADATA and name.startswith(prefix)]
    return sum(math.prod(entries[name]["shape"]) for name in names)


def read_tensors(path: Path, header: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    """The tensors of a header's entries in float32. Raises BackendError for a kind of number that LoRAs do not have."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    found = {}
    for key, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        found[key] = _numbers(path, entry, data[start:end])
    return found


def read_tensor(path: Path, entry: Mapping[str, Any]) -> NDArray[np.float32]:
    """The one tensor of a header's entry in float32; nothing else is read. Raises BackendError."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            start, end = entry["data_offsets"]
            file.seek(8 + length + start)
            return _numbers(path, entry, file.read(end - start))
    except UNREADABLE as error:
        raise BackendError(f'"{path}" cannot be read ({error})', "fetch it again") from error


def _numbers(path: Path, entry: Mapping[str, Any], data: bytes) -> NDArray[np.float32]:
    """Bytes as the numbers that an entry says they are."""
    if entry["dtype"] == "BF16":  # numpy does not have it: it is the upper half of a float32
        flat = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    elif entry["dtype"] in NUMBERS:
        flat = np.frombuffer(data, NUMBERS[entry["dtype"]]).astype(np.float32)
    else:
        raise BackendError(f'"{path}" is stored as {entry["dtype"]}', "save it in float16 or float32")
    return flat.reshape(entry["shape"])


def write_safetensors(
    path: Path, tensors: Mapping[str, NDArray[np.float32]], metadata: Mapping[str, str], *, half: bool = False
) -> None:
    """Write a file atomically, with the hashes that sd-scripts and user interfaces know it by.

    ``half`` stores weights in float16; single numbers, such as alpha, stay as they are.
    ``sshs_model_hash`` is the sha256 of the tensor region. ``sshs_legacy_hash`` is taken, as sd-scripts takes it, of a
    file that holds the ``ss_*`` entries alone.
    """
    from safetensors.numpy import save

    stored = {}
    for key, tensor in tensors.items():
        stored[key] = tensor.astype(np.float16) if half and tensor.ndim else tensor
    plain = save(stored)
    (length,) = struct.unpack("<Q", plain[:8])
    shapes, data = json.loads(plain[8 : 8 + length]), plain[8 + length :]
    digest = hashlib.sha256(data).hexdigest()
    trained = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    legacy = hashlib.sha256(_bytes(shapes, data, trained)[0x100000:0x110000]).hexdigest()[:8]
    hashes = {"sshs_model_hash": digest, "sshs_legacy_hash": legacy, "modelspec.hash_sha256": f"0x{digest}"}
    write_atomic(path, _bytes(shapes, data, {**metadata, **hashes}))


def _parsed(path: Path) -> tuple[dict[str, Any], int]:
    """The header as plain data, and the place where the tensors begin."""
    require_file(path)
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > LONGEST_HEADER:
            raise ValueError("the header is longer than the format allows")
        entries: dict[str, Any] = json.loads(file.read(length))
    if entries.get(METADATA, {}) is None:  # the library takes it for none
        del entries[METADATA]
    for key, entry in entries.items():
        _check_metadata(entry) if key == METADATA else _check_tensor(entry)
    return entries, 8 + length


def _check_metadata(entry: Any) -> None:
    """Raises ValueError or AttributeError unless the metadata are texts by name."""
    if not all(isinstance(value, str) for value in entry.values()):
        raise ValueError("metadata are texts")


def _check_tensor(entry: Any) -> None:
    """Raises ValueError, KeyError or TypeError unless an entry tells a kind, a shape and a place of the right size."""
    kind, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    for number in (*shape, start, end):
        if type(number) is not int or number < 0:
            raise ValueError("shapes and places are whole numbers")
    if end < start or (kind in SIZES and math.prod(shape) * SIZES[kind] != end - start):
        raise ValueError("a tensor has not the size of its shape")


def _bytes(shapes: Mapping[str, Any], data: bytes, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file; the library writes metadata in random order, and equal weights should be equal files."""
    ordered = sorted(shapes.items(), key=lambda entry: entry[1]["data_offsets"])
    header = json.dumps({METADATA: dict(sorted(metadata.items())), **dict(ordered)}, separators=(",", ":"))
    text = header.encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data
