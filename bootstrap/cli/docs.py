"""``bootstrap docs``: the pages that ship with the package, listed, shown, or their path for a browser or editor."""

from __future__ import annotations

import sys

import typer
from rich.markdown import Markdown

from bootstrap.config.pages import doc_page, doc_pages
from bootstrap.machine.plain_console import PlainConsole

__all__ = ["docs_command"]

WIDEST = 100
"""Characters of a line of text on wide terminals: longer ones are hard to read."""


def docs_command(name: str | None, *, path: bool) -> None:
    """List all pages, or show the page called ``name``: formatted on a terminal, as Markdown elsewhere.

    Raises UsageError when there is no such page.
    """
    if name is None:
        for page in doc_pages():
            typer.echo(f"{page.name:<26} {page.path if path else page.title}")
        return
    page = doc_page(name)
    if path:
        typer.echo(page.path)
    elif sys.stdout.isatty():
        console = PlainConsole()
        console.print(Markdown(page.text, hyperlinks=False), width=min(console.width, WIDEST))
    else:
        typer.echo(page.text.rstrip())
