"""The minimums of a character set: planned by the views, both sides of them, and named where they stay empty."""

from itertools import pairwise

from bootstrap.config import load
from bootstrap.config.seed_cuts import SeedCutsConfig
from bootstrap.dataset.minimums import missing_parts, missing_views
from bootstrap.records import Shot, TrainItem
from bootstrap.shots import places, quotas

VIEWS = load("puppet").views
NAMES = {view: family for family, plan in VIEWS.families.items() for view in plan.views}


def shots(*views):
    return [Shot(NAMES[view], view, "portrait") for view in views]


def test_every_side_is_planned_and_a_missing_one_is_named():
    whole = quotas(48, VIEWS)
    assert missing_views(shots(*NAMES), whole, VIEWS) == []
    without = [view for view in NAMES if view not in ("profile-left", "behind")]
    assert missing_views(shots(*without), whole, VIEWS) == ["from side, facing left", "from behind"]


def test_a_small_goal_has_every_side_and_counts_at_the_end():
    goals = [places(goal, 36, VIEWS) for goal in (6, 8, 12, 24, 36)]
    for goal in goals:
        assert {view_family for (view_family, _), count in goal.items() if count} == set(VIEWS.families)
    for goal in goals[1:]:
        for name, plan in VIEWS.families.items():
            assert sum(count for (view_family, _), count in goal.items() if view_family == name) >= len(plan.views)
    for early, later in pairwise(goals):
        assert all(early[cell] <= later[cell] for cell in later)


def test_what_a_small_set_has_no_place_for_is_not_missed():
    few = places(2, 48, VIEWS)
    families = {view_family for (view_family, _), count in few.items() if count}
    assert {
        NAMES[view] for view in NAMES if VIEWS.families[NAMES[view]].views[view] in missing_views([], few, VIEWS)
    } <= families


def test_a_part_that_no_seed_gave_is_named():
    items = [TrainItem("a.png", ("mchr", "eye focus"), "crop"), TrainItem("b.png", ("mchr",), "seed")]
    wanted = SeedCutsConfig(parts=("eyes", "hair", "left", "right"))
    assert missing_parts(items, wanted) == ["hair focus", "out of frame"]
    assert missing_parts(items, SeedCutsConfig()) == []
    assert missing_parts(items[:1], wanted) == [], "seeds that may not be trained on give nothing"
