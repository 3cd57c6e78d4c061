"""Axis → tag where a person wrote several tags of one axis: each has a key of its own, and their order stays.

Knows no character and no vocabulary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

__all__ = ["axis_in", "joined_by_axis", "numbered"]


def numbered(tags: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Key → tag, in order. The tag of an axis that occurs once has the axis for its key; several are numbered from 1.

    Words of one axis exclude each other to a scorer: it reads none of those whose keys are numbered.
    """
    counts = Counter(axis for axis, _ in tags)
    found: dict[str, str] = {}
    for axis, tag in tags:
        key, number = axis, 1
        while key in found or (counts[axis] > 1 and key in counts):
            key, number = f"{axis} {number}", number + 1
        found[key] = tag
    return found


def axis_in(key: str) -> str:
    """The axis of a key, which may be numbered ("top 2")."""
    return re.sub(r" \d+$", "", key)


def joined_by_axis(tags: Mapping[str, str]) -> dict[str, str]:
    """Axis → its tags, joined with commas."""
    found: dict[str, str] = {}
    for key, tag in tags.items():
        axis = axis_in(key)
        found[axis] = f"{found[axis]}, {tag}" if axis in found else tag
    return found
