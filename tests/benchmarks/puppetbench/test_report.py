"""Rows, tables and pictures, without any model."""

import json

import numpy as np
import pytest

from bootstrap.errors import UsageError
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from tests.benchmarks.puppetbench import rows
from tests.benchmarks.puppetbench.__main__ import main, publish
from tests.benchmarks.puppetbench.panels import panel_path, read_panel, write_panel
from tests.benchmarks.puppetbench.pictures import COLORS
from tests.benchmarks.puppetbench.report import paired, report
from tests.benchmarks.puppetbench.settings import CHARACTERS, FULL, TITLES

IDENTITY = {"base": 0.6, "seeds": 0.7, "ours": 0.78, "ceiling": 0.8}
KNOWABLE = 0.79


def row(character, contestant, more=0.0):
    view_family = {
        "pictures": 2,
        "identity": IDENTITY.get(contestant, KNOWABLE) + more,
        "same": 0.5,
        "copies": 0.0,
        "diversity": 1.5,
    }
    return {
        "character": character,
        "name": f"Puppet{character}",
        "contestant": contestant,
        "families": dict.fromkeys(ALL_VIEW_FAMILIES, view_family),
        "all": {**view_family, "pictures": 12},
        "obeyed": {"view_family": [11, 12], "hair_color": [5, 10]},
        "bleed": [1, 9],
        "drawn": 1000,
        "trained": 500,
        "seconds": 2.0,
        **({"gate": dict.fromkeys(ALL_VIEW_FAMILIES, GATE)} if contestant == "ours" else {}),
    }


GATE = {"candidates": 20, "true": 10, "kept": 8, "kept_true": 7, "places": 8}


@pytest.fixture
def work(tmp_path):
    """A work folder with two characters, of whom the second lacks a ceiling."""
    for character, more in ((1, 0.0), (2, 0.05)):
        for contestant in IDENTITY:
            if (character, contestant) != (2, "ceiling"):
                rows.write(tmp_path, row(character, contestant, more))
                write_panel(panel_path(tmp_path, character, contestant), np.full((12, 96, 96, 3), character, np.uint8))
    return tmp_path


def test_pairs_are_characters_that_all_contestants_have(work):
    found = rows.read_all(work, list(TITLES))
    ours, seeds = paired(found, ["ours", "seeds"], "front")
    assert ours == pytest.approx([0.78, 0.83])
    assert seeds == pytest.approx([0.7, 0.75])
    assert paired(found, ["ours", "ceiling"], "front") == [[0.78], [0.8]]


def test_the_table_tells_losses_too(work):
    table = report(rows.read_all(work, list(TITLES)), list(IDENTITY))
    assert "| identity above the seed alone, behind | > 0 | 0.080 [0.080, 0.080] | yes |" in table
    assert "| false among kept | ≤ 0.10, aim 0.05 | 0.125 | **no** |" in table
    assert "| ours | behind | n/a |" in table, "one character with a ceiling states no share"


def test_who_has_not_met_every_character_is_named_with_how_many(work):
    table = report(rows.read_all(work, list(TITLES)), list(IDENTITY))
    assert "| 45 drawings (1 of 2 characters) | 0.800 |" in table
    assert "| ours | 0.805 |" in table


def test_every_contestant_has_a_color():
    assert set(COLORS) == set(TITLES)


def test_publishing_writes_table_plot_and_sheet(work):
    publish(work, tuple(TITLES))
    assert {"table.md", "plot.png", "sheet.png"} <= {path.name for path in work.iterdir()}


def test_a_panel_is_read_back_as_it_was_written(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (14, 96, 96, 3), dtype=np.uint8)
    write_panel(tmp_path / "panel.png", images)
    assert (read_panel(tmp_path / "panel.png", 14) == images).all()


def test_a_work_folder_holds_one_experiment(tmp_path):
    rows.require_key(tmp_path, "a")
    rows.require_key(tmp_path, "a")
    with pytest.raises(UsageError, match="begun with another base"):
        rows.require_key(tmp_path, "b")


def test_a_finished_row_is_found_again(tmp_path):
    assert rows.read(tmp_path, 1, "base") is None
    rows.write(tmp_path, row(1, "base"))
    assert rows.read(tmp_path, 1, "base") == json.loads(json.dumps(row(1, "base")))


@pytest.mark.parametrize(("arguments", "said"), [
    (["--characters", "21"], "give 1 to 20"),
    (["--part", "3/2"], 'write it as "1/2"'),
    (["--report"], "there is no row"),
])  # fmt: skip
def test_a_wrong_command_is_one_line(tmp_path, arguments, said):
    with pytest.raises(SystemExit, match=said):
        main([*arguments, "--work", str(tmp_path)])


def test_the_puppets_are_no_training_set_s():
    million = {seed // 1_000_000 for seed in CHARACTERS}
    assert million == {80}
    assert len(CHARACTERS) == 20
    assert FULL.a_cell * FULL.framings * len(ALL_VIEW_FAMILIES) == 96


def test_shares_are_told_against_what_can_be_known_as_well(work):
    for character in range(1, 7):
        for contestant in (*IDENTITY, "knowable"):
            rows.write(work, row(character, contestant, 0.01 * character))
    table = report(rows.read_all(work, list(TITLES)), [*IDENTITY, "knowable"])
    assert f"and {TITLES['ceiling']} (goal" in table
    known = table.split(f"and {TITLES['knowable']} (goal")[1]
    assert "| ours | behind | 0.889 [" in known  # .08 of .09
