"""Files that exist whole or not at all, also after a power cut.

A file is written beside its place, forced to disk, and renamed; then its folder is forced to disk too. Knows no
database and no run: a path and bytes come in.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image, PngImagePlugin

from bootstrap.errors import OutputError
from scoring.measurement import digest_of

__all__ = ["make_folder", "sha256_of", "sweep_temporaries", "write_atomic", "write_image"]

TEMPORARY = ".bootstrap-part"


def write_atomic(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` so that a reader, or a restart, sees the old file or the new one, never a piece.

    Makes missing parent folders. Raises OutputError when the disk is full or the place cannot be written.
    """
    with _reporting_disk_errors(path):
        make_folder(path.parent)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _force_folder(path.parent)


def write_image(path: Path, image: Image.Image, text: Mapping[str, str] | None = None) -> str:
    """Write ``image`` as PNG with ``text`` chunks (keyword → text) atomically; returns the digest of its pixels.

    The digest is `scoring.measurement.digest_of`: equal pixels have equal digests, whatever the text chunks hold.
    """
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in (text or {}).items():
        chunks.add_text(keyword, value) if value.isascii() else chunks.add_itxt(keyword, value)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=chunks)
    write_atomic(path, buffer.getvalue())
    return digest_of(image)


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal. Raises OutputError when it cannot be read."""
    with _reporting_disk_errors(path, "read"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(folder: Path) -> None:
    """Make ``folder`` and its parents, forced to disk; no matter if it exists. Raises OutputError."""
    if folder.is_dir():
        return
    with _reporting_disk_errors(folder):
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _force_folder(folder.parent)


def sweep_temporaries(folder: Path, spare: Sequence[str] = ()) -> list[Path]:
    """Remove the unfinished files that a killed process left under ``folder``; returns what was removed.

    Sub-folders of ``folder`` named in ``spare`` are left alone (another process may be writing there). Only files that
    `write_atomic` named are touched.
    """
    found = sorted(folder.rglob(f".*{TEMPORARY}")) if folder.is_dir() else []
    swept = [path for path in found if path.relative_to(folder).parts[0] not in spare]
    for path in swept:
        with contextlib.suppress(OSError):
            path.unlink()
    return swept


def _force_folder(folder: Path) -> None:
    """fsync a folder, so that the names in it survive a power cut (Windows has no such call)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reporting_disk_errors(path: Path, verb: str = "write") -> Iterator[None]:
    """Turn an OSError into one line with a hint."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot {verb} '{path}': {error.strerror or error}", _advice(error)) from error


def _advice(error: OSError) -> str:
    """What a person can do about an operating system's refusal."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "free some disk space and run the same command again; nothing finished is lost"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "choose a folder that you may write to"
        case errno.ENOTDIR | errno.EEXIST:
            return "a file stands where a folder is needed; choose another folder"
        case _:
            return "check the path and the disk, then run the same command again"
