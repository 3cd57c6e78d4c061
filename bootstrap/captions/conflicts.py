"""Tags that contradict each other in one caption: a model that reads both learns neither (field practice D3, D6).

Words are those of booru boards with spaces; what is not in the tables is no conflict. Knows no picture and no folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

__all__ = ["conflicts"]

COLORS = (
    "black", "brown", "blonde", "red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "grey", "gray",
    "aqua", "silver", "gold", "golden", "platinum", "teal", "violet", "amber",
)  # fmt: skip
SAME = {"gray": "grey", "golden": "yellow", "gold": "yellow", "amber": "yellow", "violet": "purple"}
SEVERAL = (
    "multicolored", "two-tone", "gradient", "streaked", "heterochromia", "rainbow", "colored inner", "split-color",
)  # fmt: skip
"""Words that say that there are several colours."""
APART: tuple[tuple[str, ...], ...] = (
    ("from front", "from behind"), ("from above", "from below"), ("facing viewer", "facing away"),
    ("close-up", "full body"), ("close-up", "upper body"), ("close-up", "cowboy shot"), ("portrait", "full body"),
    ("upper body", "full body"), ("portrait", "cowboy shot"), ("full body", "cowboy shot"),
    ("standing", "sitting"), ("standing", "lying"), ("sitting", "lying"), ("walking", "sitting"),
    ("running", "sitting"),
    ("open mouth", "closed mouth"), ("expressionless", "smile"), ("neutral expression", "smile"), ("frown", "smile"),
    ("day", "night"), ("indoors", "outdoors"), ("simple background", "outdoors"), ("simple background", "indoors"),
    ("short hair", "long hair"), ("short hair", "very long hair"), ("solo", "multiple girls"),
    ("solo", "multiple boys"),
    ("1girl", "2girls"), ("1girl", "multiple girls"), ("1boy", "2boys"), ("1boy", "multiple boys"),
    ("facing left", "facing right"),
)  # fmt: skip
"""Pairs of tags that no picture shows at once."""
BACK = ("from behind", "facing away")
FACES = (
    "looking at viewer", "smile", "frown", "open mouth", "closed mouth", "blush", "surprised", "neutral expression",
    "expressionless",
)  # fmt: skip
"""What the face shows: nothing of it is seen from behind, unless the head is turned back."""


def conflicts(tags: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of tags in one caption that cannot both be true, in the caption's order."""
    told = list(dict.fromkeys(tag.strip().lower().replace("_", " ") for tag in tags))
    there = set(told)
    found = [pair for pair in APART if there.issuperset(pair)]
    found += [pair for noun in ("hair", "eyes") for pair in _colors(told, noun)]
    found += _behind(told)
    if "closed eyes" in there:
        found += [("closed eyes", tag) for tag in told if _color_of(tag, "eyes")]
    order = {tag: place for place, tag in enumerate(told)}
    pairs = {(first, second): None for first, second in (sorted(pair, key=order.__getitem__) for pair in found)}
    return sorted(pairs, key=lambda pair: (order[pair[0]], order[pair[1]]))


def _colors(tags: Sequence[str], noun: str) -> list[tuple[str, ...]]:
    """Two colours of one thing, unless a tag says that there are several."""
    if any(word in tag for tag in tags for word in SEVERAL):
        return []
    seen: dict[str, str] = {}
    for tag in tags:
        if color := _color_of(tag, noun):
            seen.setdefault(color, tag)
    return list(combinations(seen.values(), 2))


def _color_of(tag: str, noun: str) -> str:
    """The colour in "pale blue hair"; "" for what is none of that noun."""
    words = tag.split()
    if len(words) < 2 or words[-1] != noun:
        return ""
    color = next((word for word in reversed(words[:-1]) if word in COLORS), "")
    return SAME.get(color, color)


def _behind(tags: Sequence[str]) -> list[tuple[str, ...]]:
    """What the face of somebody seen from behind cannot show, unless the head is turned back."""
    back = next((tag for tag in tags if tag in BACK), "")
    if not back or "looking back" in tags:
        return []
    return [(back, tag) for tag in tags if tag in FACES or _color_of(tag, "eyes")]
