"""Names of files as text: macOS decomposes letters (NFD), and a name from an old archive may be no UTF-8 at all."""

from __future__ import annotations

import unicodedata
from pathlib import Path

__all__ = ["comparable", "written_name"]


def written_name(path: Path | str) -> str:
    r"""A path as text that can be stored anywhere: bytes that are no UTF-8 are escaped, as ``\udc83``."""
    return str(path).encode(errors="backslashreplace").decode()


def comparable(name: str) -> str:
    """The one form in which names of files are compared."""
    return unicodedata.normalize("NFC", written_name(name))
