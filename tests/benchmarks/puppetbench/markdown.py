"""Tables in markdown. Does not know their content."""

from __future__ import annotations

from collections.abc import Sequence


def table(title: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A heading and a table under it."""
    rule = "|".join("---" for _ in head)
    rows = [f"| {' | '.join(line)} |" for line in [head, *lines]]
    return "\n".join([f"### {title}", "", rows[0], f"|{rule}|", *rows[1:]])
