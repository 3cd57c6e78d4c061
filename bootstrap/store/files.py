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
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image, PngImagePlugin

from bootstrap.errors import OutputError
from scoring.measurement import digest_of

__all__ = ["make_folder", "read_given", "require_file", "sha256_of", "sweep_temporaries", "write_atomic", "write_image"]

TEMPORARY = ".bootstrap-part"
"""How the name of an unfinished file ends."""
LONGEST_TEXT = 16 << 20
"""Bytes; no description and no configuration is nearly as long."""
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
"""What a path can lead to that is no file; reading some of them would never end."""


def write_atomic(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` so that a reader, or a restart, sees the old file or the new one, never a piece.

    Makes missing parent folders. Raises OutputError when the disk is full or the place cannot be written.
    """
    with _reporting_disk_errors(path):
        make_folder(path.parent)
        if path.exists():
            require_file(path)
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


def put_in_place(temporary: Path, path: Path) -> None:
    """Force a finished file to disk and give it its name. Raises OutputError."""
    with _reporting_disk_errors(path):
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
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


def require_file(path: Path) -> os.stat_result:
    """What the system knows of a file. Raises OSError for what is none: folder, pipe, socket, device."""
    found = path.stat()
    if kind := KINDS.get(stat.S_IFMT(found.st_mode)):
        raise OSError(f"it is {kind}, no file")
    return found


def read_given(path: Path, most: int = LONGEST_TEXT) -> bytes:
    """The bytes of a file that a person gave. Raises OSError for what is no file, or has more than ``most`` bytes."""
    size = require_file(path).st_size
    if size > most:
        raise OSError(f"it has {size / 1e6:.0f} MB, more than {most / 1e6:.0f} MB")
    with path.open("rb") as file:
        return file.read(most)


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
