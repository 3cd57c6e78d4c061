"""The files of seeds in a run: named by the digest of what was given, written again where they were lost."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from bootstrap.errors import StoreError
from bootstrap.store.files import write_atomic
from bootstrap.store.replacing import is_whole, set_aside

__all__ = ["restore_seed", "seed_stem", "seed_suffix"]


def seed_stem(digest: str) -> str:
    """How the names of all files begin that are made of a picture with this sha256, relative to the run."""
    return f"seeds/{digest[:16]}"


def seed_suffix(path: Path) -> str:
    """The end of a seed's name, as far as any system bears it in a file of ours."""
    suffix = path.suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""


def restore_seed(path: Path, data: bytes, stored: str) -> None:
    """Write a seed that was lost or altered in the run again. Raises StoreError where it comes out as another one."""
    if is_whole(path, stored):
        return
    if hashlib.sha256(data).hexdigest() != stored:
        raise StoreError(f"the seed '{path}' is lost or altered", "restore it from a copy")
    set_aside(path)
    write_atomic(path, data)
