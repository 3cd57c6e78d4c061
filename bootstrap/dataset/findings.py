"""What an audit of a captioned folder finds: records, and how they are made. Knows no rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = ["Finding", "Severity", "finding"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a set: what, how bad, where (files, in order), and what to do."""

    kind: str
    severity: Severity
    message: str
    files: tuple[str, ...]
    hint: str

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "message": self.message,
            "files": list(self.files),
            "hint": self.hint,
        }


def finding(folder: Path, kind: str, severity: Severity, message: str, files: Iterable[Path], hint: str) -> Finding:
    """A finding about files of a folder, which are named by their paths inside it."""
    names = tuple(path.relative_to(folder).as_posix() for path in files)
    return Finding(kind, severity, message, names, hint)
