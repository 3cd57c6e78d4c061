"""What tells a base from every other one: the sha256 of all its bytes, computed once and kept by path, size and time.

`bootstrap.backends.bases.digest_of_base` samples a file, which is quick; merges of one model may differ elsewhere. The
digests lie in the cache folder; without them they are computed again. Imports no model library.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path

from bootstrap.backends.folder import WEIGHTS
from bootstrap.errors import OutputError
from bootstrap.machine.inventory import cache_folder
from bootstrap.store.files import sha256_of, write_atomic

__all__ = ["whole_digest"]

SHA256 = re.compile(r"[0-9a-f]{64}")
"""How the hub's cache names a file, by its content."""


def whole_digest(base: Path) -> str:
    """The sha256 of a checkpoint file; of a folder, that of its weights' names and sha256. Reads it whole, once."""
    if base.is_file():
        return _of_file(base.resolve())
    digest = hashlib.sha256()
    for path in sorted(found for pattern in WEIGHTS for found in base.rglob(pattern)):
        digest.update(f"{path.relative_to(base).as_posix()} {_of_file(path.resolve())}".encode())
    return digest.hexdigest()


def _of_file(path: Path) -> str:
    if SHA256.fullmatch(path.name):
        return path.name
    facts = path.stat()
    return _kept(path, facts.st_size, facts.st_mtime_ns)


def _kept(path: Path, size: int, changed: int) -> str:
    """The digest that is kept for a file of this size and time; else it is computed and kept."""
    kept = cache_folder() / "sha256" / f"{hashlib.sha256(str(path).encode()).hexdigest()}.json"
    with contextlib.suppress(OSError, ValueError):
        if (found := json.loads(kept.read_text(encoding="utf-8")))[:2] == [size, changed]:
            return str(found[2])
    digest = sha256_of(path)
    with contextlib.suppress(OutputError):
        write_atomic(kept, json.dumps([size, changed, digest]).encode())
    return digest
