"""Failures that nobody foresaw: one line for a person, the traceback in a log file; never a traceback on a terminal.

The log lies in the folder of the run that was worked on, else in the cache folder, else in the system's folder for
temporary files.
"""

from __future__ import annotations

import contextlib
import errno
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from bootstrap.errors import BootstrapError, UsageError
from bootstrap.machine.inventory import cache_folder
from bootstrap.store.store import DATABASE, Store

__all__ = ["in_a_line"]

LOG = "errors.log"
LONGEST = 200
"""Characters of a foreign message that a line shows; the log has all of it."""
OF_THE_SYSTEM = frozenset({
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENOSPC,
    errno.EDQUOT, errno.ENXIO, errno.EINVAL, errno.EILSEQ,
})  # fmt: skip
"""What the system refuses about a path that a person gave; not a mistake of this program."""
NO_HOME = "Could not determine home directory."
"""What pathlib says of a "~name" that is nobody."""


def in_a_line(error: Exception, words: Sequence[str]) -> BootstrapError:
    """An error that nobody foresaw as one to print; ``words`` are the command's. Writes the traceback into a log."""
    if isinstance(error, OSError) and error.errno in OF_THE_SYSTEM and isinstance(error.filename, str | bytes):
        return UsageError(_refusal(error), "check the path, and what you may read and write there")
    if isinstance(error, RuntimeError) and str(error) == NO_HOME:
        named = next((word for word in words if "~" in word), "~")
        return UsageError(f'"{named}" begins with the name of nobody on this machine', "write the whole path")
    path = _logged(error, words)
    hint = f'the log "{path}" says more; please report it' if path else "no log could be written; please report it"
    return BootstrapError(f"not foreseen: {type(error).__name__}: {_short(str(error))}", hint)


def _refusal(error: OSError) -> str:
    if error.errno == errno.ENAMETOOLONG:
        return f'"{error.filename}" is too long a path'
    return f'cannot use "{error.filename}": {error.strerror}'


def _short(text: str) -> str:
    """A foreign message in one line: no line breaks, no control characters, not too long."""
    line = " ".join(text.split())
    shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]} …"


def _logged(error: Exception, words: Sequence[str]) -> Path | None:
    """Append the traceback to the first log that can be written; None where there is none."""
    lines = traceback.format_exception(error)
    text = f"{datetime.now().astimezone().isoformat()} bootstrap {' '.join(words)}\n{''.join(lines)}\n"
    for folder in _folders(error, words):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / LOG).open("ab") as file:
                file.write(text.encode(errors="backslashreplace"))
            return folder / LOG
    return None


def _folders(error: Exception, words: Sequence[str]) -> Iterator[Path]:
    """Where a log may lie, the best place first."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield from (value.directory for value in frame.f_locals.values() if isinstance(value, Store))
    for word in words:
        folder = Path(word.partition("=")[2] or word)
        with contextlib.suppress(OSError, ValueError):
            if (folder / DATABASE).is_file():
                yield folder
    with contextlib.suppress(RuntimeError):  # nobody's home
        yield cache_folder()
    yield Path(tempfile.gettempdir()) / "lora-bootstrap"
