"""Identity tags that too few pictures show for the trigger to absorb: they stay in the captions (field practice D6).

Knows captions only: neither which tags are identity, nor any picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bootstrap.records import TrainItem

__all__ = ["naming_rare"]

ORIGINALS = ("seed", "crop", "altered")


def naming_rare(items: Sequence[TrainItem], full: Sequence[TrainItem], floor: int) -> list[TrainItem]:
    """``items`` with every withheld tag named that fewer than ``floor`` generated pictures show.

    ``full`` holds the same pictures, by path, with captions that withhold nothing. Tags are added at the end.
    """
    named = {item.path: item.tags for item in full}
    withheld = {item.path: [tag for tag in named.get(item.path, ()) if tag not in item.tags] for item in items}
    shown = Counter(tag for item in items if item.kind not in ORIGINALS for tag in withheld[item.path])
    return [
        replace(item, tags=(*item.tags, *(tag for tag in withheld[item.path] if shown[tag] < floor))) for item in items
    ]
