"""Consoles for tables, bars and colours, whose texts are shown as `plain_output` has it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from bootstrap.machine.plain_output import PlainStream, shown, wrapped

__all__ = ["PlainConsole", "print_line"]


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print a sentence: on a terminal wrapped between words (see `wrapped`), elsewhere as one line."""
    if console.is_terminal:
        text = wrapped(text, console.width)
    console.print(Text(text, style=style), soft_wrap=True)


class PlainConsole(Console):
    """A console that shows control characters in texts, and stops writing when nobody reads it any more."""

    def __init__(self, *, stderr: bool = False, **options: Any) -> None:
        """Write to stdout, or to stderr; ``options`` are those of rich's console."""
        stream = sys.stderr if stderr else sys.stdout
        if "file" not in options and isinstance(stream, PlainStream):
            options["file"] = stream.styled
        super().__init__(stderr=stderr, highlight=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of what is printed."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Write nothing from now on; rich's own would exit the process."""
        self.quiet = True
