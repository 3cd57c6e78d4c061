"""`bootstrap settings`: every setting with type, default and meaning; the values of a base, and whose they are."""

import json

import pytest

from bootstrap.config import load, shipped_names
from bootstrap.config.origins import DEFAULT, values_of_base
from bootstrap.config.shipped_files import configs_dir


@pytest.fixture(scope="module")
def rows():
    """Every setting, as scripts get it."""
    from typer.testing import CliRunner

    from bootstrap.cli.app import app

    return json.loads(CliRunner().invoke(app, ["settings", "--json"]).stdout)


def test_every_setting_has_a_type_and_a_meaning(rows):
    assert len(rows) > 300
    named = {row["name"] for row in rows}
    assert named >= {"base.scoring", "base.recipes.NAME.rank", "subject.phases.N.name", "panel.scorers.NAME.crops"}
    for row in rows:
        assert row["type"], row
        assert row["meaning"], row
        assert "\n" not in row["meaning"]
        assert "``" not in row["meaning"]


def test_a_part_of_a_name_finds_settings(call):
    lines = call("settings", "GATE_level").out.splitlines()
    assert lines[0] == "loop.gate_level  (number, above 0, below 0.5; default 0.3)"
    assert lines[1].startswith("    ")
    assert len(lines) == 2
    done = call("settings", "gate_levle")
    assert (done.code, done.line) == (2, 'error: no setting has "gate_levle" in its name')
    assert "did you mean" in done.err
    assert "gate_level" in done.err


def test_a_kind_of_subject_shows_what_its_file_sets_and_why(call, tmp_path):
    said = call("settings", "--kind", "background").out
    for line in (
        'subject.axes.time.defaults = ["day", "afternoon", "night"]  (configs/subjects/background.yaml)',
        "loop.target = 45  (configs/subjects/background.yaml)",
        '    Why: "Levels" guide: 45 a background; of a few pictures up to 15',
        "panel.scorers.view = null  (configs/subjects/background.yaml)",
    ):
        assert f"{line}\n" in said
    assert "configs/base" not in said
    own = tmp_path / "prop.yaml"
    own.write_text((configs_dir() / "subjects" / "asset.yaml").read_text().replace("target: 30", "target: 13"))
    assert f"loop.target = 13  ({own})\n" in call("settings", "target", "--kind", own, "--base", "puppet").out
    assert "hint: " in call("settings", "--kind", "outfitt").err


def test_the_default_is_what_a_run_has(rows):
    """Not what the model says where the shipped loop says otherwise."""
    loop = load("puppet").loop
    told = {row["name"]: row["default"] for row in rows}
    assert told["loop.goals"] == f"default {json.dumps(loop.goals)}"
    assert told["loop.final_candidates"] == f"default {loop.final_candidates}"


def test_a_base_shows_its_values_and_where_each_comes_from(call):
    said = call("settings", "sampling", "--base", "sdxl", "--profile", "12gb").out
    for line in (
        "base.sampling.steps = 28  (configs/base/sdxl.yaml)",
        "base.sampling.batch_size = 1  (configs/machines/12gb.yaml)",
        "base.sampling.clip_skip = null  (default)",
        "    Why: width to height; buckets of 64 pixels, as guides have",
    ):
        assert f"{line}\n" in said
    said = call("settings", "steps", "--base", "puppet", "--profile", "12gb").out
    assert "base.recipes.character.steps = 800  (configs/base/puppet.yaml)" in said
    assert call("settings", "steps", "--profile", "12gb").code == 2


def test_a_file_of_ones_own_has_values_of_its_own(header_file, tmp_path):
    file = str(header_file(tmp_path / "my-anime-mix-vpred.safetensors", "sdxl", "v_pred", "ztsnr"))
    origins = {one.setting.name: one.origin for one in values_of_base(file)}
    assert origins["base.path"] == f'"{file}"'
    assert origins["base.enlarged"].startswith("configs/base/")


@pytest.mark.parametrize("base", shipped_names("base"))
def test_every_value_of_a_preset_is_that_of_a_run(base):
    config = load(base, profile="8gb").model_dump()
    for one in values_of_base(base, "8gb"):
        value = config
        for key in one.setting.path:
            value = value[int(key)] if isinstance(value, (list, tuple)) else value[key]
        assert value == one.value
        assert one.origin == DEFAULT or one.origin.startswith("configs/"), one
