"""Identity tags that too few pictures show for the trigger to absorb: they stay in the captions.

Knows captions only: neither which tags are identity, nor any picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bootstrap.pictures.caption_text import is_sentence
from bootstrap.records import TrainItem

__all__ = ["naming_rare"]

ORIGINALS = ("seed", "crop", "altered", "detail")


def naming_rare(items: Sequence[TrainItem], full: Sequence[TrainItem], floor: int) -> list[TrainItem]:
    """``items`` with every withheld tag named that fewer than ``floor`` generated pictures show.

    What at least half of them show is not rare, however few there are. ``full`` holds the same pictures, by path, with
    captions that withhold nothing. Tags are added at the end.
    """
    full_tags = {item.path: item.tags for item in full}
    withheld: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    generated = [item for item in items if item.kind not in ORIGINALS]
    least = min(floor, len(generated) / 2)
    for item in items:
        left_out = [tag for tag in full_tags.get(item.path, ()) if tag not in item.tags]
        withheld[item.path] = [tag for tag in left_out if not is_sentence(tag)]  # a sentence stays in part
        if item.kind not in ORIGINALS:
            counts.update(withheld[item.path])
    named = []
    for item in items:
        rare = [tag for tag in withheld[item.path] if counts[tag] < least]
        named.append(replace(item, tags=(*item.tags, *rare)))
    return named
