"""A person's words inside a Markdown page: shown as they are, whatever signs of Markdown or HTML they hold."""

from __future__ import annotations

import html
import re

__all__ = ["code", "plain"]

SIGNS = re.compile(r"[\\`*\[\]#|!~$]|(?<!\w)_|_(?!\w)")
"""What begins something in Markdown; an underscore inside a word does not."""
LIST = re.compile(r"(\d*)([-+.)=:])")
"""The beginning of a list, or of a line below a heading."""
FENCES = re.compile("`+")


def plain(text: str) -> str:
    """Text of one line that is neither markup nor HTML."""
    line = SIGNS.sub(r"\\\g<0>", " ".join(text.split()))
    if found := LIST.match(line):
        line = f"{found[1]}\\{line[found.start(2) :]}"
    return html.escape(line, quote=False)


def code(text: str) -> str:
    """Text of one line as code, between more backticks than it has in a row itself."""
    line = " ".join(text.split())
    fence = "`" * (1 + max(map(len, FENCES.findall(line)), default=0))
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}"
