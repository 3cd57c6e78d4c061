"""Which of many seeds anchor: at most four that show the character from as many sides as there are. Pure.

Identity is judged against the anchors, and drawers are shown them; the other seeds only train.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bootstrap.config import ViewsConfig
from bootstrap.records import Seed
from bootstrap.seeds.views import MOST_SEEDS

__all__ = ["anchors_of"]


def anchors_of(
    seeds: Sequence[Seed], likeness: Sequence[float], views: ViewsConfig, marked: Collection[int] = ()
) -> list[int]:
    """The places of the seeds that anchor, the first view family first; ``marked`` ones (watermarks) after clean ones.

    View families come in the order of ``views``; in each, a picture in the framing that most shots have, then the one
    with the most ``likeness`` to the others. A second picture of a family is of another view or framing, as far as its
    view is known.
    """
    families, framings = list(views.families), sorted(views.framings, key=lambda name: -views.framings[name])

    def rank(place: int) -> tuple[bool, int, int, float, int]:
        seed = seeds[place]
        framing = framings.index(seed.framing) if seed.framing in framings else len(framings)
        return (place in marked, 0 if seed.view else 1, framing, -likeness[place], place)

    chosen: list[int] = []
    left = sorted(range(len(seeds)), key=rank)
    while left and len(chosen) < MOST_SEEDS:
        taken = [seeds[place].view_family for place in chosen]
        ways = {place: (taken.count(seeds[place].view_family), place in marked) for place in left}
        best = min(left, key=lambda place: (*ways[place], _order(seeds[place], families)))
        shown = {(seeds[place].view, seeds[place].framing) for place in chosen}
        left.remove(best)
        if not seeds[best].view or (seeds[best].view, seeds[best].framing) not in shown:
            chosen.append(best)
    return chosen


def _order(seed: Seed, families: Sequence[str]) -> int:
    return families.index(seed.view_family) if seed.view else len(families)
