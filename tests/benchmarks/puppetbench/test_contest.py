"""Contestants on the fake backend with a made-up truth: every one of them ends with a row, and no row is made twice."""

from dataclasses import replace
from statistics import fmean

import pytest

from bootstrap.errors import UsageError
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.records import JobKind
from bootstrap.store.store import Store
from loops.archive import cell_of
from tests.benchmarks.puppetbench import rows
from tests.benchmarks.puppetbench.contest import compete
from tests.benchmarks.puppetbench.gate import likeness_of
from tests.benchmarks.puppetbench.made_up import TINY, Truth
from tests.benchmarks.puppetbench.perfect import perfect_set
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
        pictures = [row["families"][view_family]["pictures"] for view_family in ALL_VIEW_FAMILIES]
        assert sum(pictures) == len(row["likeness"]) == 6
        assert row["obeyed"]["view_family"][1] == 6


def test_a_lora_is_prompted_as_its_captions_were_written(played):
    stage, _, made = played
    assert {name: row["phase"] for name, row in made.items() if row["phase"] != "character"} == {
        "base": "base", "reference": "base", "named": "style", "crops": "style", "crops_reference": "style",
        "beside": "style",
    }  # fmt: skip
    base, style, character = (stage.job(0, stage.panel[0], phase).prompt for phase in ("base", "style", "character"))
    hair, trigger = stage.character.invariant["hair"][0], stage.character.trigger
    assert (hair in base, hair in style, hair in character) == (True, True, False)
    assert (trigger in base, trigger in style, trigger in character) == (False, True, True)


def test_costs_are_counted_and_only_the_run_has_a_gate(played):
    _, _, made = played
    assert (made["base"]["drawn"], made["base"]["trained"]) == (0, 0)
    assert made["seeds"]["trained"] == 2 * 8 * 3
    assert made["ours"]["drawn"] > made["topk"]["drawn"] > 0
    assert [name for name, row in made.items() if "gate" in row] == ["ours"]


def test_the_seed_alone_is_one_picture_and_the_ceiling_as_many_as_asked(played):
    _, _, made = played
    assert made["seeds"]["facts"]["pictures"] == 1 < made["crops"]["facts"]["pictures"]
    assert made["ceiling"]["facts"]["pictures"] == 6


def test_a_row_is_made_once_and_panel_and_cut_stay(played):
    stage, work, made = played
    again = Stage(stage.number, stage.folder, TINY)
    again.truth = stage.truth
    again.engine = stage.engine
    assert (again.panel, again.cuts) == (stage.panel, stage.cuts)
    before = rows.row_path(work, stage.number, "ours").stat().st_mtime_ns
    assert compete(again, "ours", work)["likeness"] == made["ours"]["likeness"]
    assert rows.row_path(work, stage.number, "ours").stat().st_mtime_ns == before


def test_a_row_of_ours_is_held_to_its_loop_and_the_others_are_not(played):
    stage, work, made = played
    again = Stage(stage.number, stage.folder, TINY.given(("loop.seeds_share=0.5",)))
    again.truth, again.engine = stage.truth, stage.engine
    assert compete(again, "ceiling", work)["likeness"] == made["ceiling"]["likeness"]
    for name in ("ours", "crops", "topk"):
        with pytest.raises(UsageError, match=f"{name}, in .* was made with another"):
            compete(again, name, work)


def test_the_judge_chooses_the_likest_of_our_run_for_the_perfect_gate(played):
    stage, work, made = played
    run = work / "characters" / "1" / "ours"
    with Store.open(run, exclusive=False) as store:
        frames = store.frames(kind=JobKind.CANDIDATE)
        alike = likeness_of(store, frames, stage.truth.likeness)
        kept = {one.path for one in perfect_set(stage) if one.kind == "kept"}
        chosen = [frame for frame in frames if str(run / frame.path) in kept]
        others = [[alike[f.job.id] for f in frames if cell_of(f) == cell_of(one)] for one in chosen]
    assert made["perfect"]["facts"]["pictures"] >= len(chosen) == 4
    assert all(alike[one.job.id] >= fmean(of_the_place) for one, of_the_place in zip(chosen, others, strict=True))


def test_several_seeds_are_different_views_of_the_same_puppet(tmp_path):
    stage = Stage(80_000_001, tmp_path, replace(TINY, seeds=3))
    assert [seed.view_family for seed in stage.engine.seeds] == ["front", "profile", "behind"]
    assert stage.own_key("ours") == Stage(80_000_001, tmp_path, TINY).own_key("ours")
    stage.close()
