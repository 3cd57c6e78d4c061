"""bootstrap check names every problem at once, prints each caption, and loads no model."""

import json
import os
import sys

import pytest
from PIL import Image
from typer.testing import CliRunner

from bootstrap.cli import check_cost
from bootstrap.cli.app import app
from bootstrap.machine import inventory as machine
from bootstrap.machine.inventory import Accelerator
from bootstrap.store.store import Store

MIKA = {
    "name": "Mika",
    "trigger": "mkachr",
    "base": "puppet",
    "invariant": {"hair": "pale blue hair, ahoge", "eyes": "golden eyes"},
    "outfits": {"default": {"tags": "red dress"}, "night": {"tags": "striped pajamas"}},
    "poses": ["standing", "siting"],
    "seeds": [{"file": "seed.png", "view": "front", "framing": "portrait", "tags": "smile, forest"}],
}


def drawn(size):
    """A box on a ground: enough for a picture in which something is drawn."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (20, 20, 60, 70))
    return image


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.setattr(machine, "accelerator", lambda: Accelerator("cpu", "two cores", 16.0))
    monkeypatch.setattr(check_cost, "flops_of", lambda kind: 1e11)


@pytest.fixture
def given(tmp_path):
    drawn((128, 128)).save(tmp_path / "seed.png")

    def write(**changes):
        path = tmp_path / "character.json"
        data = {key: value for key, value in {**MIKA, **changes}.items() if value is not None}
        path.write_text(json.dumps(data))
        return [tmp_path / "seed.png", path, "--out", tmp_path / "run"]

    return write


def call(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def test_a_usable_run_is_described_and_nothing_is_written(given, tmp_path):
    before = sorted(tmp_path.iterdir()) or None
    arguments = given()
    done = call(*arguments)
    assert done.exit_code == 0, done.stderr
    assert "trigger mkachr, base puppet" in done.stdout
    assert "48 pictures: front 12" in done.stdout
    assert "seed.png, 128x128: red dress, from front, portrait, smile, forest (from character.json)" in done.stdout
    assert "read by the panel when the run begins: pose, style" in done.stdout
    assert "training steps in 1 round" in done.stdout
    assert f"ready      bootstrap run {tmp_path / 'seed.png'}" in done.stdout
    assert before is None or {path.name for path in tmp_path.iterdir()} == {"seed.png", "character.json"}
    assert not (tmp_path / "run").exists()


def test_words_that_nobody_can_check_are_named_with_the_closest(given):
    said = call(*given()).stdout
    assert "no scorer can check invariant: ahoge, golden eyes" in said
    assert "no scorer can check outfits: striped pajamas" in said
    assert "no scorer can check poses: siting (did you mean 'sitting'?)" in said
    assert "pale blue hair" not in said.partition("no scorer")[2]


def test_triggers_and_seeds_are_remarked_on(given, tmp_path):
    arguments = given(trigger="cat", seeds=[{"file": "other.png"}])
    drawn((80, 90)).save(tmp_path / "seed.png")
    said = call(*arguments).stdout
    assert 'trigger "cat" is an ordinary word' in said
    assert 'seeds.0.file "other.png"' in said
    assert "16 pixels short of the 96" in said


def test_blank_traits_are_listed_and_never_called_ready(given):
    said = call(*given()).stdout
    assert "blank  " not in said
    assert "ready      bootstrap run" in said
    assert "eyes is missing" not in call(*given(invariant={"hair": "red hair", "eye_color": ""})).stdout
    traits = {"hair": "red hair", "ears": "", "tail": "TODO", "skin": "skin"}
    done = call(*given(invariant=traits, outfits={"default": {"tags": "..."}}, seeds=None))
    assert done.exit_code == 0
    fields = 'invariant.ears is empty; invariant.tail holds the placeholder "TODO"; invariant.skin holds'
    assert f"blank      {fields}" in done.stdout
    assert 'outfits.default.tags holds the placeholder "..."; invariant.eyes is missing' in done.stdout
    assert "unfinished 5 blank traits; as it is it can run: bootstrap run" in done.stdout
    assert "ready " not in done.stdout


def test_a_seed_in_which_nothing_is_drawn_is_not_ready(given, tmp_path):
    arguments = given()
    Image.linear_gradient("L").save(tmp_path / "seed.png")
    done = call(*arguments)
    assert done.exit_code == 2
    assert 'error: "seed.png" is nearly of one colour' in done.stderr
    assert "ready" not in done.stdout
    assert call(*arguments, "--backend", "fake").exit_code == 0


def test_every_problem_is_named_at_once(given, tmp_path):
    _, character, *_ = given(triger="x", outfits={"a": {}})
    (tmp_path / "broken.png").write_text("no picture")
    (tmp_path / "file").write_text("")
    arguments = [tmp_path / "none.png", tmp_path / "broken.png", character, "--base", "puppet"]
    done = call(*arguments, "--set", "loop.targt=3", "--out", tmp_path / "file" / "run")
    assert done.exit_code == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    for words in ("none.png", "broken.png", "did you mean 'trigger'", "outfits.a.tags", "did you mean 'target'"):
        assert any(words in line for line in errors), words
    assert "ready" not in done.stdout


def test_what_was_written_of_a_seed_is_checked_beside_a_wrong_setting(given):
    done = call(*given(seeds=[{"file": "seed.png", "view": "frnt"}]), "--set", "loop.targt=3")
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.exit_code == 2
    assert len(errors) == 2
    assert 'seed view "frnt" is unknown' in errors[1]


def test_a_machine_too_small_is_a_problem(given, monkeypatch):
    monkeypatch.setattr(machine, "accelerator", lambda: Accelerator("cuda", "tiny", 0.5))
    monkeypatch.setattr(machine, "disk_free", lambda folder: 0.001)
    done = call(*given())
    assert done.exit_code == 2
    assert "cuda has 0.5" in done.stderr
    assert "0.0 GB free" in done.stderr


def test_a_base_or_a_panel_that_is_not_there_is_a_problem(given, tmp_path):
    settings = [f"base.path={tmp_path}", "panel.models.face.pack=nobody", "panel.scorers.held-out.model=nothing.onnx"]
    done = call(*given(), *(part for text in settings for part in ("--set", text)))
    assert done.exit_code == 2
    for words in ("model_index.json", "models.face.pack: 'nobody'", "scorers.held-out.model: 'nothing.onnx'"):
        assert words in done.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nobody is kept out")
def test_a_folder_that_cannot_be_written_is_a_problem(given, tmp_path):
    arguments = given()
    tmp_path.chmod(0o500)
    try:
        assert "cannot be written" in call(*arguments).stderr
    finally:
        tmp_path.chmod(0o700)


def test_without_a_base_the_command_is_proposed(given):
    done = call(*given(base=None))
    assert done.exit_code == 2
    assert "bootstrap check" in done.stderr
    assert "--base puppet" in done.stderr


def test_a_run_that_is_there_goes_on_and_a_damaged_one_is_a_problem_left_alone(given, tmp_path):
    with Store.open(tmp_path / "run", create=True):
        pass
    assert f'"{tmp_path / "run"}" goes on: 0 rounds, 0 kept' in call(*given()).stdout
    for part in (tmp_path / "run").glob("run.db*"):
        part.unlink()
    (tmp_path / "run" / "run.db").write_bytes(b"SQLite format 3\0" + b"?" * 5000)
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert call(*given()).exit_code == 2
    assert {path: path.read_bytes() for path in before} == before


def test_a_sheet_is_announced(given, tmp_path):
    image = Image.new("RGB", (400, 300), "white")
    image.paste("red", (30, 30, 150, 270))
    image.paste("blue", (230, 30, 350, 270))
    arguments = given(seeds=[])
    image.save(tmp_path / "seed.png")
    said = call(*arguments, "--backend", "fake").stdout
    assert "a sheet of 2 figures" in said
    assert '"seed.png#1", "seed.png#2" each may show somebody else' in said, "these models compare nothing"


def test_no_model_is_loaded(given):
    before = set(sys.modules)
    assert call(*given()).exit_code == 0
    assert not {"diffusers", "open_clip", "insightface"} & (set(sys.modules) - before)


@pytest.mark.parametrize(("target", "too_long"), [(200, True), (8, False)])
def test_a_schedule_that_outlasts_the_night_is_told_with_what_to_do(given, target, too_long):
    small = ["--set", "base.recipes.character.batch_size=1", "--set", "base.recipes.style.batch_size=1"]
    done = call(*given(), "--profile", "8gb", "--target", target, *small)
    assert done.exit_code == 0, done.stderr
    assert "night      profile 8gb: " in done.stdout
    assert ("more than a night" in done.stdout) == too_long


def test_the_memory_of_every_stage_is_printed_with_the_largest_as_what_a_run_takes(given, monkeypatch):
    monkeypatch.setattr(check_cost, "memory_of_stages", lambda config, device: {"draw": 5.9, "train": 6.3})
    done = call(*given())
    assert "memory     draw 5.9, train 6.3 GB" in done.stdout
    assert "memory 7 of 16 GB" in done.stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--base", "sdxl", "--recipe", "nosuch"), 'configs/recipes has no "nosuch"'),
        (("--base", "illustrious", "--control", "sdxl-openpose"), "draws along no control picture"),
        (("--base", "illustrious", "--also", "animagine"), '--also "animagine": "cagliostrolab/animagine-xl-4.0"'),
    ],
)
def test_a_wrong_option_leaves_the_others_in_force(given, wrong, said):
    done = call(*given(), "--backend", "fake", "--set", "base.scoring=fake", *wrong)
    assert done.exit_code == 2
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said in error


def test_every_wrong_option_is_named_at_once(given):
    done = call(*given(), "--set", "loop.target=x", "--loop", "nonsense", "--recipe", "nobody")
    assert done.exit_code == 2
    for wrong in ('loop.target "x"', 'configs/loops has no "nonsense"', 'configs/recipes has no "nobody"'):
        assert done.output.count(wrong) == 1
