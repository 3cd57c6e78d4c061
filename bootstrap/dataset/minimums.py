"""What a finished set should show at least once, and does not: planned views, by their side too, and parts of seeds.

After the minimums of guides to character LoRAs: front, back, both sides, foreshortened views, eye and hair focus. What
is asked for stands in the views and in the base's cuts. Pure: names no picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from bootstrap.config import ViewsConfig
from bootstrap.config.seed_cuts import SeedCutsConfig
from bootstrap.records import Shot, TrainItem
from bootstrap.seeds.more_cuts import TAGS
from bootstrap.shots import Cell

__all__ = ["missing_parts", "missing_views"]


def missing_views(shots: Collection[Shot], places: Mapping[Cell, int], views: ViewsConfig) -> list[str]:
    """The words of the views that no shot of a finished set has, in families with a place for each of their views."""
    planned, shown = Counter[str](), {shot.view for shot in shots}
    for (view_family, _), count in places.items():
        planned[view_family] += count
    found = []
    for name, plan in views.families.items():
        if planned[name] >= len(plan.views):
            found += [words for view, words in plan.views.items() if view not in shown]
    return found


def missing_parts(items: Sequence[TrainItem], wanted: SeedCutsConfig) -> list[str]:
    """The tags of the parts that a base wants of its seeds and that none gave; none where seeds are not trained on."""
    if not any(item.kind == "seed" for item in items):
        return []
    shown = {tag for item in items for tag in item.tags}
    wanted_tags = dict.fromkeys(TAGS[part] for part in wanted.parts)
    return [tag for tag in wanted_tags if tag not in shown]
