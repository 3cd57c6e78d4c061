"""What a person names on the command line, sorted: the seed pictures and the one character file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bootstrap.errors import UsageError
from bootstrap.seeds import gather

__all__ = ["only_description", "sort_sources", "split_sources"]

DESCRIPTION = "character.json"


def sort_sources(sources: Sequence[Path]) -> tuple[list[Path], Path]:
    """The seed pictures and the character file. Raises UsageError or SeedError."""
    descriptions, rest = split_sources(sources)
    description = only_description(sources, descriptions)
    return gather(rest), description


def split_sources(sources: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Character files, and everything else; a single folder may hold the character file itself."""
    descriptions: list[Path] = []
    rest: list[Path] = []
    for path in sources:
        if path.suffix.lower() == ".json":
            descriptions.append(path)
        else:
            rest.append(path)
    if not descriptions and len(rest) == 1 and (rest[0] / DESCRIPTION).is_file():
        descriptions = [rest[0] / DESCRIPTION]
    return descriptions, rest


def only_description(sources: Sequence[Path], descriptions: Sequence[Path]) -> Path:
    """The one character file. Raises UsageError where there is none, or more than one."""
    if len(descriptions) != 1:
        given = " ".join(map(str, sources))
        message = f'"{given}" names {len(descriptions)} character files'
        raise UsageError(message, "give pictures and one character.json")
    return descriptions[0]
