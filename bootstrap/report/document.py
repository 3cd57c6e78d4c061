"""Self-contained HTML documents: a header, numbers that matter, sections with a menu. Knows no run.

Light and dark, no script, no request to anywhere: style, thumbnails and charts lie inside the document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from bootstrap.store.files import write_atomic

__all__ = ["TEMPLATES", "Document", "Section", "Templates", "write_document"]

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document under its ``title``; with an ``anchor`` it is in the menu. ``note`` follows the title."""

    title: str
    body: Markup
    anchor: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document: ``tiles`` are its most important numbers by name, ``lead`` comes before the sections.

    ``front`` stands above everything but the heading and the menu.
    """

    title: str
    heading: str
    subtitle: str
    tiles: Mapping[str, object]
    lead: Markup
    sections: Sequence[Section]
    front: Markup = field(default_factory=Markup)


class Templates:
    """The templates of some folders, and those of this room, which they may import. Values are escaped."""

    def __init__(self, *folders: Path) -> None:
        """Look for templates in ``folders`` first."""
        loader = FileSystemLoader([*folders, HERE / "templates"])
        self._environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)

    def render(self, name: str, **values: object) -> Markup:
        """The template with these values, as HTML."""
        return Markup(self._environment.get_template(f"{name}.html").render(values))


TEMPLATES = Templates()
"""Those of this room alone."""


def write_document(out: Path, document: Document) -> Path:
    """Write the document to ``out`` and return it. Raises OutputError."""
    style = Markup((HERE / "page.css").read_text(encoding="utf-8"))
    text = TEMPLATES.render(
        "document",
        style=style,
        title=document.title,
        heading=document.heading,
        subtitle=document.subtitle,
        tiles=document.tiles,
        lead=document.lead,
        front=document.front,
        sections=document.sections,
    )
    write_atomic(out, f"{text}\n".encode())
    return out
