"""Contestants on the fake backend with a made-up truth: every one of them ends with a row, and no row is made twice."""

import pytest

from bootstrap.records import FAMILIES
from tests.benchmarks.puppetbench import rows
from tests.benchmarks.puppetbench.contest import compete
from tests.benchmarks.puppetbench.made_up import TINY, Truth
from tests.benchmarks.puppetbench.settings import TITLES
from tests.benchmarks.puppetbench.stage import Stage


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A work folder in which everybody competed, and the rows in the order of the contestants."""
    work = tmp_path_factory.mktemp("bench")
    stage = Stage(80_000_001, work / "characters" / "1", TINY)
    stage.truth = Truth()
    yield stage, work, {name: compete(stage, name, work) for name in TITLES}
    stage.close()


def test_every_contestant_ends_with_a_whole_row(played):
    _, work, made = played
    assert [row["contestant"] for row in rows.read_all(work, list(TITLES))] == list(TITLES)
    for row in made.values():
        assert sum(row["families"][family]["pictures"] for family in FAMILIES) == len(row["likeness"]) == 6
        assert row["obeyed"]["family"][1] == 6


def test_a_lora_is_prompted_as_its_captions_were_written(played):
    stage, _, made = played
    assert {name: row["phase"] for name, row in made.items() if row["phase"] != "character"} == {
        "base": "base", "named": "style", "crops": "style",
    }  # fmt: skip
    base, style, character = (stage.job(0, stage.panel[0], phase).prompt for phase in ("base", "style", "character"))
    hair, trigger = stage.character.invariant["hair"][0], stage.character.trigger
    assert (hair in base, hair in style, hair in character) == (True, True, False)
    assert (trigger in base, trigger in style, trigger in character) == (False, True, True)


def test_costs_are_counted_and_only_the_run_has_a_gate(played):
    _, _, made = played
    assert (made["base"]["drawn"], made["base"]["learnt"]) == (0, 0)
    assert made["seeds"]["learnt"] == 2 * 8 * 3
    assert made["ours"]["drawn"] > made["topk"]["drawn"] > 0
    assert [name for name, row in made.items() if "gate" in row] == ["ours"]


def test_the_seed_alone_is_one_picture_and_the_ceiling_as_many_as_asked(played):
    _, _, made = played
    assert made["seeds"]["facts"]["pictures"] == 1 < made["crops"]["facts"]["pictures"]
    assert made["ceiling"]["facts"]["pictures"] == 6


def test_a_row_is_made_once_and_panel_and_cut_stay(played):
    stage, work, made = played
    again = Stage(stage.seed, stage.folder, TINY)
    again.truth = stage.truth
    again.engine = stage.engine
    assert (again.panel, again.cuts) == (stage.panel, stage.cuts)
    before = rows.path_of(work, stage.seed, "ours").stat().st_mtime_ns
    assert compete(again, "ours", work)["likeness"] == made["ours"]["likeness"]
    assert rows.path_of(work, stage.seed, "ours").stat().st_mtime_ns == before
