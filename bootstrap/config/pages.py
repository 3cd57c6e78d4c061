"""The pages that ship with the package: guides in ``configs/docs``, a page beside each preset. Knows no terminal."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.config.shipped_files import configs_dir
from bootstrap.errors import UsageError

__all__ = ["DocPage", "doc_page", "doc_pages"]

GUIDES = ("first-lora", "commands", "night", "report", "troubleshooting", "settings", "glossary", "how-it-works")
"""In the order in which a new user needs them; other guides follow by name."""


@dataclass(frozen=True, slots=True)
class DocPage:
    """A Markdown file: ``name`` is what to ask for ("night", "base/sdxl"), ``title`` its first heading."""

    name: str
    title: str
    path: Path

    @property
    def text(self) -> str:
        """The page as it is written."""
        return self.path.read_text(encoding="utf-8")


def doc_pages() -> list[DocPage]:
    """Every page: guides first, then those of presets, folder by folder."""
    folder = configs_dir()
    found = [_page(path, folder) for path in sorted(folder.rglob("*.md"))]
    return sorted(found, key=_place)


def doc_page(name: str) -> DocPage:
    """The page of that name, with or without its folder and ``.md``. Raises UsageError with near names."""
    pages = doc_pages()
    wanted = name.removesuffix(".md").strip("/").lower()
    matching = [page for page in pages if wanted in (page.name.lower(), page.name.rpartition("/")[2].lower())]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(f'several pages are called "{name}"', f"choose one: {_listed(matching)}")
    near = difflib.get_close_matches(wanted, [page.name for page in pages], 3)
    hint = f"near it: {', '.join(near)}" if near else "`bootstrap docs` lists them"
    raise UsageError(f'no page is called "{name}"', hint)


def _page(path: Path, folder: Path) -> DocPage:
    """A page named by its folder and file; a README is named by its folder, a guide by its file."""
    name = path.relative_to(folder).with_suffix("").as_posix().removeprefix("docs/").removesuffix("/README")
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return DocPage(name, first.removeprefix("# "), path)


def _place(page: DocPage) -> tuple[bool, int, str]:
    """Where a page stands in the list."""
    known = GUIDES.index(page.name) if page.name in GUIDES else len(GUIDES)
    return "/" in page.name or page.path.name == "README.md", known, page.name


def _listed(pages: Sequence[DocPage]) -> str:
    return ", ".join(page.name for page in pages)
