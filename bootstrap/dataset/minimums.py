"""What a finished set should show and does not: planned views, by their side too, parts of seeds, special details.

After the minimums of guides to character LoRAs: front, back, both sides, foreshortened views, eye and hair focus. What
is asked for stands in the views and in the base's cuts. Pure: names no picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from bootstrap.config import ViewsConfig
from bootstrap.config.seed_cuts import SeedCutsConfig
from bootstrap.records import Shot, TrainItem
from bootstrap.seeds.details import Detail
from bootstrap.seeds.more_cuts import TAGS
from bootstrap.shots import Cell

__all__ = ["few_details", "missing_parts", "missing_views"]


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


def few_details(items: Sequence[TrainItem], details: Sequence[Detail], wanted: int) -> str:
    """In words, which close-ups of special ``details`` a set has and lacks; "" where none are wanted.

    ``wanted`` is the number of close-ups that are the share of its pictures.
    """
    if not wanted:
        return ""
    if not details:
        return "special details: none is named, or it is not known where it stands: no close-up is cut out"
    close_ups = [item for item in items if item.kind == "detail"]
    shown = Counter(one.tag for one in details for item in close_ups if one.focus in item.tags)
    counts = ", ".join(f"{tag} {count}" for tag, count in shown.items())
    said = f"special details: {len(close_ups)} of {wanted} close-ups{f' ({counts})' if counts else ''}"
    lacking = [f'"{one.tag}"' for one in details if not shown[one.tag]]
    if len(close_ups) >= wanted or not lacking:
        return said
    return f"{said}; no picture shows {' or '.join(lacking)} large enough: add one to the seeds"
