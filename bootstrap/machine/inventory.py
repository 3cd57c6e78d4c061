"""What this machine has: memory, room on disk, an accelerator, versions. Asks the system; changes and loads nothing.

Torch is imported only to ask about an accelerator. Knows no run and no model.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Accelerator", "accelerator", "cache_folder", "disk_free", "memory", "versions"]

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A device that draws and trains: "cuda", "mps" or "cpu", what it is called, and its memory in GiB."""

    kind: str
    name: str
    memory: float


def memory() -> float:
    """Main memory in GiB; 0.0 where the system does not report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (AttributeError, ValueError, OSError):
        return _memory_of_windows() if sys.platform == "win32" else 0.0


def disk_free(folder: Path) -> float:
    """Room on the disk of ``folder`` (or of its nearest parent that exists), in GiB."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.absolute().parent
    return shutil.disk_usage(folder).free / GIB


def cache_folder() -> Path:
    """The folder for what can be computed again: what models saw in pictures.

    $XDG_CACHE_HOME (XDG Base Directory specification) or ~/.cache; %LOCALAPPDATA% on Windows. It may be deleted.
    """
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    folder = Path(os.environ.get(variable, ""))
    if not folder.is_absolute():
        folder = Path("~/.cache").expanduser()
    return folder / "lora-bootstrap"


def accelerator() -> Accelerator:
    """The device that `bootstrap.machine.device.pick_device` takes by itself. Imports torch, which takes seconds."""
    import torch

    from bootstrap.machine.device import pick_device

    kind = pick_device()
    if kind == "cuda":
        found = torch.cuda.get_device_properties(0)
        return Accelerator(kind, found.name, found.total_memory / GIB)
    if kind == "mps":
        return Accelerator(kind, "Apple GPU", memory())
    return Accelerator(kind, f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores", memory())


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Package → installed version; "" for one that is missing."""
    return {name: _version(name) for name in packages}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _memory_of_windows() -> float:  # pragma: no cover
    """Main memory in GiB, as GlobalMemoryStatusEx has it."""
    import ctypes

    class Status(ctypes.Structure):
        """MEMORYSTATUSEX."""

        _fields_ = (
            *((name, ctypes.c_ulong) for name in ("length", "load")),
            *((f"bytes{place}", ctypes.c_ulonglong) for place in range(7)),
        )

    status = Status()
    status.length = ctypes.sizeof(status)
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return float(status.bytes0) / GIB  # ullTotalPhys
