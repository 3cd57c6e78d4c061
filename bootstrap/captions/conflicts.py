"""Tags that contradict each other in one caption: a model that is trained on both learns neither.

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
    ("solo", "multiple boys"), ("solo", "2girls"), ("solo", "2boys"),
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
    caption = list(dict.fromkeys(tag.strip().lower().replace("_", " ") for tag in tags))
    found = [pair for pair in APART if set(pair) <= set(caption)]
    found += _colors(caption, "hair") + _colors(caption, "eyes")
    found += _behind(caption)
    if "closed eyes" in caption:
        found += [("closed eyes", tag) for tag in caption if _color_of(tag, "eyes")]
    places = set()
    for first, second in found:
        places.add(tuple(sorted((caption.index(first), caption.index(second)))))
    return [(caption[first], caption[second]) for first, second in sorted(places)]


def _colors(tags: Sequence[str], noun: str) -> list[tuple[str, ...]]:
    """Two colours of one thing, unless a tag says that there are several."""
    if any(word in tag for tag in tags for word in SEVERAL):
        return []
    colored: dict[str, str] = {}
    for tag in tags:
        if color := _color_of(tag, noun):
            colored.setdefault(color, tag)
    return list(combinations(colored.values(), 2))


def _color_of(tag: str, noun: str) -> str:
    """The colour in "pale blue hair"; "" for what is none of that noun."""
    *qualities, last = tag.split() or [""]
    if last != noun:
        return ""
    for word in reversed(qualities):
        if word in COLORS:
            return SAME.get(word, word)
    return ""


def _behind(tags: Sequence[str]) -> list[tuple[str, ...]]:
    """What the face of somebody seen from behind cannot show, unless the head is turned back."""
    backs = [tag for tag in tags if tag in BACK]
    if not backs or "looking back" in tags:
        return []
    return [(backs[0], tag) for tag in tags if tag in FACES or _color_of(tag, "eyes")]
