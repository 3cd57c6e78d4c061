"""Something to see while a command works for seconds without output: a spinner on a terminal, else a plain line.

On stderr, so that what a command says can be piped. Nothing may be printed, and nobody asked, in the meantime.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.text import Text

from bootstrap.machine.plain_console import PlainConsole

__all__ = ["waiting"]


@contextlib.contextmanager
def waiting(doing: str) -> Iterator[None]:
    """Show what is being done for as long as the block takes; a spinner leaves nothing behind."""
    console = PlainConsole(stderr=True)
    if console.is_terminal:
        with console.status(Text(f"{doing} …")):
            yield
        return
    with contextlib.suppress(OSError, ValueError):  # closed stream: nobody reads any more
        console.print(Text(f"{doing} …"), soft_wrap=True)
    yield
