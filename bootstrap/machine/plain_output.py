"""What a command says, in a form that every terminal, redirect and log bears.

Control characters and escape sequences come from names of files and from descriptions: they are shown, never sent.
Signs that a stream's encoding does not have are shown as escapes that JSON reads too. A stream that was closed or is
full loses what would have been said, and nothing else: the work goes on. Knows no command.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import functools
import os
import re
import shutil
import sys
from collections.abc import Iterator
from typing import Any

__all__ = ["PlainStream", "Stream", "one_line", "plain_streams", "shown", "wrapped"]

UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters besides tab and line feed, what turns the direction of writing, halves of characters."""
OF_PROGRESS = re.compile(r"(?:[\r\n]|\x1b\[A)*\Z|\r")
"""What bars of foreign libraries move the cursor with, alone or at the beginning of a text."""
ESCAPED = "bootstrap.escaped"
WHOLE = re.compile(r"(?:^|[ (&])(?:bootstrap|hf download|pip install|cd) |\t|^\s*[\[{\"}\]]")
"""Lines that are not wrapped: commands, which a person copies, tables with tabs, and JSON."""
LABEL = re.compile(r" {4,}(?=\S)|[a-z]+ {2,}|[a-z]+: | +(?=\S)|")
"""How a line begins before its sentence: further lines are indented as far."""
DEEPEST = 12
"""Columns of the widest label."""


def shown(text: str) -> str:
    r"""A text with each control character as ``\x1b``, as Python and JSON would write it."""
    return UNSHOWN.sub(lambda found: _escape(found[0]), text)


def one_line(text: str) -> str:
    r"""The same in one line: a line feed in a name is shown as ``\n``, a tab as ``\t``."""
    return shown(text.replace("\n", r"\n").replace("\t", r"\t"))


def wrapped(text: str, width: int) -> str:
    """A text whose lines are broken between words at a terminal's width, below the beginning of their sentence.

    A word that is wider than the terminal, a command and JSON stay whole.
    """
    return "\n".join(map(functools.partial(_wrapped_line, width=width), text.split("\n")))


def _wrapped_line(line: str, width: int) -> str:
    if len(line) * 2 <= width or WHOLE.search(line):
        return line
    from rich.cells import cell_len

    label = LABEL.match(line)
    indent = " " * min(label.end() if label else 0, DEEPEST, width // 2)
    lines = [""]
    for word in re.findall(r" *[^ ]+", line):
        if lines[-1].strip() and cell_len(lines[-1] + word) > width:
            lines.append(indent + word.lstrip())
        else:
            lines[-1] += word
    return "\n".join(lines)


@contextlib.contextmanager
def plain_streams() -> Iterator[PlainStream]:
    """Whatever is written to stdout, which is handed over, and to stderr in the block is shown so."""
    before = sys.stdout, sys.stderr
    stdout, stderr = PlainStream(sys.stdout), PlainStream(sys.stderr)
    sys.stdout, sys.stderr = stdout, stderr
    try:
        yield stdout
    finally:
        stdout.flush()
        stderr.flush()
        sys.stdout, sys.stderr = before


class Stream:
    """A text stream that never fails: see the module."""

    def __init__(self, stream: Any) -> None:
        """Write to ``stream``."""
        self.lost: OSError | None = None
        """Why the rest of the output was lost, if it was."""
        self.stream = stream
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ESCAPED)

    def __getattr__(self, name: str) -> Any:
        """Encoding, descriptor, whether it is a terminal; the raw bytes below are nobody's."""
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write a text; returns its length."""
        with self._bearing():
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what waits."""
        with self._bearing():
            self.stream.flush()

    @contextlib.contextmanager
    def _bearing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: somebody closed it
            if self.lost is None:
                self.lost = error if isinstance(error, OSError) else OSError(errno.EBADF, "closed")
            _empty(self.stream)


class PlainStream(Stream):
    """A stream for texts; ``styled`` is the same one for what lays out and colours texts that are plain already."""

    def __init__(self, stream: Any) -> None:
        """Write to ``stream``."""
        super().__init__(stream)
        self.styled = Stream(stream)
        self._is_terminal = bool(stream and not stream.closed and stream.isatty())

    @property
    def failure(self) -> OSError | None:
        """Why something was lost that somebody might still want to read; None where he went away himself."""
        self.flush()
        lost = self.lost or self.styled.lost
        return lost if lost and lost.errno not in (errno.EPIPE, errno.EBADF) else None

    def write(self, text: str) -> int:
        """Write a text, its control characters shown."""
        if not isinstance(text, str):
            raise TypeError("text only")
        if self._is_terminal and text.endswith("\n"):
            text = wrapped(text, shutil.get_terminal_size().columns)
        moves = OF_PROGRESS.match(text)
        begin = moves.end() if moves else 0
        super().write(text[:begin] + shown(text[begin:]))
        return len(text)


def _empty(stream: Any) -> None:
    """Let what still waits in a broken stream go nowhere, so that the end of the program does not fail of it."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _escape(sign: str) -> str:
    r"""A sign as ``\uXXXX``, two of them beyond the first 65536, as JSON has it; what JSON never holds is short."""
    if sign < " ":
        return f"\\x{ord(sign):02x}"
    data = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[place : place + 2].hex()}" for place in range(0, len(data), 2))


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """What stands for the signs that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_escape, error.object[error.start : error.end])), error.end


codecs.register_error(ESCAPED, _escaped)
