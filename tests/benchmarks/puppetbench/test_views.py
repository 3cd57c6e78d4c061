"""A picture of another view counts as 0, however alike it is."""

from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from tests.benchmarks.puppetbench import views


def panel(likeness, read):
    asked = list(ALL_VIEW_FAMILIES)
    answers = [read.get(view_family, view_family) for view_family in asked]
    return views.obeyed_likeness({"likeness": likeness}, asked, answers)


def test_the_seed_drawn_again_is_alike_and_counts_nothing():
    again = panel([0.9] * len(ALL_VIEW_FAMILIES), dict.fromkeys(ALL_VIEW_FAMILIES, "front"))
    honest = panel([0.6] * len(ALL_VIEW_FAMILIES), {})
    assert again["front"] == (1.0, 0.9)
    assert again["behind"] == (0.0, 0.0)
    assert honest["all"][1] > again["all"][1]


def test_the_table_pairs_ours_with_the_seed_alone():
    each = {name: panel([value] * len(ALL_VIEW_FAMILIES), {}) for name, value in (("seeds", 0.5), ("ours", 0.75))}
    text = views.markdown_of({name: {1: held, 2: held} for name, held in each.items()})
    assert "0.500 (100%)" in text
    assert "0.250 [0.250, 0.250]" in text
