"""Self-contained HTML documents: a header, pictures first, sections with a menu, numbers that say what they mean.

Light, dark and on paper; no script, no request to anywhere: style, thumbnails and charts lie inside the document. Knows
no run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from bootstrap.store.files import write_atomic

__all__ = ["TEMPLATES", "Document", "KeyNumber", "Rating", "Section", "Templates", "numbers_section", "write_document"]

HERE = Path(__file__).parent
Rating = Literal["good", "fair", "poor", ""]
"""How good a number is; "" where it says nothing of that kind."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document under its ``title``; with an ``anchor`` it is in the menu. ``note`` follows the title."""

    title: str
    body: Markup
    anchor: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """A number by its name, with a sentence of what it means, and how good it is."""

    name: str
    value: str
    meaning: str
    rating: Rating = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document: ``front`` stands below the heading and its menu, before the sections."""

    title: str
    heading: str
    subtitle: str
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


def numbers_section(numbers: Sequence[KeyNumber], title: str = "The numbers") -> Section:
    """A card for each number; without a body where there is none."""
    body = TEMPLATES.render("numbers", numbers=numbers) if numbers else Markup()
    return Section(title, body, "numbers")


def write_document(out: Path, document: Document) -> Path:
    """Write the document to ``out`` and return it. Raises OutputError."""
    style = Markup((HERE / "page.css").read_text(encoding="utf-8"))
    text = TEMPLATES.render(
        "document",
        style=style,
        title=document.title,
        heading=document.heading,
        subtitle=document.subtitle,
        front=document.front,
        sections=document.sections,
    )
    write_atomic(out, f"{text}\n".encode())
    return out
