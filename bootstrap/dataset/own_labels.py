"""Which captions of a folder a reader wrote, by their digests: what a person changed since is the person's.

A hidden file of the folder has them. Knows no reader.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from bootstrap.pictures import PictureFile
from bootstrap.store.files import read_given, write_atomic

__all__ = ["OwnLabels"]

FILE = ".bootstrap-labels.json"


class OwnLabels:
    """The captions that were written into a folder."""

    def __init__(self, folder: Path) -> None:
        """A file that cannot be read counts as none: then every caption is a person's."""
        self._folder, self._digests = folder, dict[str, str]()
        with contextlib.suppress(OSError, ValueError, AttributeError):
            found = json.loads(read_given(folder / FILE).decode())
            self._digests = {str(name): str(digest) for name, digest in found.items()}

    def wrote(self, picture: PictureFile) -> bool:
        """Whether the caption of a picture is one that was written here and that nobody changed."""
        known = self._digests.get(self._name(picture.path))
        return known is not None and picture.caption is not None and known == _digest(picture.caption)

    def write(self, picture: Path, caption: str) -> Path:
        """Write a caption beside a picture, and remember it. Raises OutputError."""
        beside, text = picture.with_suffix(".txt"), f"{caption}\n"
        self._digests[self._name(picture)] = _digest(text)
        plain = json.dumps(self._digests, ensure_ascii=False, indent=1)
        write_atomic(self._folder / FILE, plain.encode())  # first: a caption without its digest counts as a person's
        write_atomic(beside, text.encode())
        return beside

    def _name(self, picture: Path) -> str:
        return picture.relative_to(self._folder).as_posix()


def _digest(caption: str) -> str:
    return hashlib.sha256(caption.strip().encode()).hexdigest()
