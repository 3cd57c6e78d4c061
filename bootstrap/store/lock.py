"""One engine per run directory: a lock that the operating system takes back when the process dies, however it dies.

Knows nothing of what is protected. Readers and the review page do not take it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from bootstrap.errors import OutputError

__all__ = ["ProcessLock"]

LOCKED_BYTE = 1 << 30  # beyond the text, so that Windows' mandatory lock leaves the pid readable


class ProcessLock:
    """Held from construction to `release`. Raises OutputError naming the process that holds it already."""

    def __init__(self, path: Path) -> None:
        """Take the lock at ``path`` (made if missing, never removed: removing it would open a race)."""
        try:
            self._file = path.open("a+", encoding="ascii")
        except OSError as error:
            hint = "choose a folder that you may write to"
            raise OutputError(f"cannot write '{path}': {error.strerror}", hint) from error
        try:
            _lock(self._file.fileno())
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read(20).strip() or "unknown"
            self._file.close()
            hint = "wait for it or stop it, or choose another folder"
            raise OutputError(f"'{path.parent}' is in use by the process '{holder}'", hint) from error
        with contextlib.suppress(OSError):  # the pid is only for messages; a full disk must not stop a resume here
            self._file.truncate(0)
            self._file.write(str(os.getpid()))
            self._file.flush()

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        self._file.close()


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
