"""One setting at a time, on the fake backend: two folders, the same test, paired differences."""

import json

import pytest

from bootstrap.errors import UsageError
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from tests.benchmarks.puppetbench import rows, vary
from tests.benchmarks.puppetbench.made_up import TINY, Truth
from tests.benchmarks.puppetbench.settings import CHARACTERS

SEED = CHARACTERS[0]


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Both sides with rows for crops, a whole run and a training anew, of one character."""
    work = tmp_path_factory.mktemp("vary")
    longer = ("base.recipes.style.steps=3", "base.recipes.character.steps=3")
    given = {work / "as-is": TINY, work / "steps": TINY.given(longer)}
    for what in ("crops", "ours", "retrain"):
        vary.play(what, [SEED], given, Truth)
    return given


def read(side, what):
    return rows.read(side, SEED, what)


def test_both_sides_face_the_same_test_by_their_own_settings(sides):
    base, varied = sides
    assert read(base, "crops")["facts"]["steps"] == 2
    assert read(varied, "crops")["facts"]["steps"] == 3
    for name in ("panel.json", "cuts.json", "front.png"):
        one, other = ((side / "characters" / str(SEED) / name).read_bytes() for side in (base, varied))
        assert one == other
    assert read(base, "crops")["key"] != read(varied, "crops")["key"]


def test_a_training_anew_learns_what_the_base_s_run_kept(sides):
    base, varied = sides
    kept = read(base, "ours")["facts"]["kept"]
    assert read(base, "retrain")["facts"]["kept"] == read(varied, "retrain")["facts"]["kept"] == kept
    assert read(varied, "retrain")["facts"]["steps"] == 3
    assert read(varied, "retrain")["phase"] == "character"


def test_a_row_is_made_once(sides):
    before = {path: path.stat().st_mtime_ns for side in sides for path in (side / "rows").iterdir()}
    vary.play("ours", [SEED], sides, Truth)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_without_a_finished_run_nothing_can_be_trained_anew(tmp_path):
    with pytest.raises(UsageError, match="is no finished run"):
        vary.play("retrain", [SEED], {tmp_path / "as-is": TINY}, Truth)


def row(character, identity):
    parts = {"identity": identity, "same": 0.5, "diversity": 9.0, "copies": 0.0}
    return {
        "character": character,
        "name": f"P{character}",
        "families": dict.fromkeys(ALL_VIEW_FAMILIES, parts),
        "all": parts,
        "obeyed": {"view_family": [9, 10], "style": [1, 2]},
        "bleed": [0, 4],
        "facts": {},
        "drawn": 1,
        "trained": 999,
        "seconds": 3.0,
    }


def test_differences_are_paired_and_a_sure_one_is_said():
    base = [row(1, 0.5), row(2, 0.8), row(3, 0.6)]
    text = vary.markdown_of("ours", "a.b=c", base, [row(1, 0.6), row(2, 0.9), row(4, 0.1)])
    assert "| identity, all | 0.650 | 0.750 | 0.100 [0.100, 0.100] | yes |" in text
    assert "| same person | 0.500 | 0.500 | 0.000 [0.000, 0.000] |  |" in text
    assert "P1, P2." in text
    assert "false among kept" not in text, "nothing is known of it"
    with pytest.raises(UsageError, match="both sides"):
        vary.markdown_of("ours", "a.b=c", base, [])


@pytest.mark.parametrize(("arguments", "said"), [
    ([], "nothing is varied"),
    (["--set", "a=b", "--characters", "40"], "give 1 to 20"),
    (["--set", "a=b", "--report"], "no character has a row"),
])  # fmt: skip
def test_a_wrong_command_is_one_line(tmp_path, arguments, said):
    with pytest.raises(SystemExit, match=said):
        vary.main([*arguments, "--work", str(tmp_path)])


def test_the_table_lies_beside_the_rows(sides, capsys):
    base, varied = sides
    with pytest.raises(SystemExit):
        vary.main(["--work", str(base.parent), "--set", "x.y=1", "--report"])
    (base.parent / "x.y=1").symlink_to(varied)
    vary.main(["--work", str(base.parent), "--set", "x.y=1", "--what", "crops", "--report"])
    assert "## crops: x.y=1" in capsys.readouterr().out
    assert (varied / "crops.md").is_file()
    assert json.loads((varied / "rows" / f"{SEED}-crops.json").read_text())["contestant"] == "crops"


def test_settings_name_a_folder():
    assert vary.slug(["loop.goals=[8, 24]", "a.b=c"]) == "a.b=c+loop.goals=_8_24"


def test_a_side_takes_the_test_of_the_base_once(tmp_path):
    source, target = (tmp_path / side / "characters" / str(SEED) for side in ("base", "side"))
    source.mkdir(parents=True)
    (source / "panel.json").write_text("the base's")
    vary.share_test(tmp_path / "base", tmp_path / "side", SEED)
    assert (target / "panel.json").read_text() == "the base's"
    (source / "panel.json").write_text("another")
    vary.share_test(tmp_path / "base", tmp_path / "side", SEED)
    assert (target / "panel.json").read_text() == "the base's"
