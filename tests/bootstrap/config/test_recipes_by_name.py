"""Recipes by name: data with its source, over a preset, for the finished LoRA alone."""

import pytest

from bootstrap.config import configs_dir, load, shipped_names
from bootstrap.config.recipes import recipe_named
from bootstrap.config.training_pixels import resolution_warnings, side_of
from bootstrap.errors import ConfigError
from bootstrap.export.retrain import TRAINER_FILE, write_trainer_file


@pytest.mark.parametrize("name", shipped_names("recipes"))
def test_every_recipe_fits_a_preset_and_says_where_it_comes_from(name):
    config, plain = load("sdxl", recipe=name), load("sdxl")
    own = config.base.recipes["character"]
    assert own != plain.base.recipes["character"]
    assert config.base.recipes["style"] == plain.base.recipes["style"], "drawing LoRAs stay as they are"
    for setting, value in recipe_named(name).items():
        if setting not in ("repeats_for", "epochs_for"):
            assert getattr(own, setting) == value
    text = (configs_dir() / "recipes" / f"{name}.yaml").read_text()
    assert "ource" in text or "as invoke-training" in text


@pytest.mark.parametrize(
    ("name", "steps"), [("sd-scripts-48", 48 * 10 * 10 // 2), ("holo", 1200), ("levels", 1152), ("holo-loha", 1200)]
)
def test_steps_of_48_pictures_are_those_of_the_guide(name, steps):
    assert load("sdxl", recipe=name).finishing_recipe.epoch_steps(48) == steps


@pytest.mark.parametrize(("kind", "rank"), [("character", 16), ("style", 8), ("outfit", 8), ("background", 8)])
def test_the_guide_has_other_ranks_for_other_kinds(kind, rank, tmp_path):
    recipe = load("sdxl", subject=kind, recipe="levels").finishing_recipe
    assert (recipe.rank, recipe.network_alpha, recipe.optimizer) == (rank, 8, "adafactor")
    (tmp_path / "own.yaml").write_text("like: levels\nsettings: {rank: 4}\n")
    assert load("sdxl", subject=kind, recipe=str(tmp_path / "own.yaml")).finishing_recipe.rank == 4


def test_a_recipe_is_over_the_preset_and_below_what_is_typed(tmp_path):
    (tmp_path / "own.yaml").write_text("like: levels\nsettings: {rank: 4}\n")
    config = load("sdxl", recipe=str(tmp_path / "own.yaml"), overrides=["base.recipes.character.batch_size=1"])
    recipe = config.finishing_recipe
    assert (recipe.rank, recipe.optimizer, recipe.batch_size) == (4, "adafactor", 1)
    with pytest.raises(ConfigError, match=r'configs/recipes has no "level".*did you mean "levels"'):
        load("sdxl", recipe="level")
    (tmp_path / "own.yaml").write_text("settings: {rankk: 4}\n")
    with pytest.raises(ConfigError, match=r"base.recipes.character.rankk: unknown"):
        load("sdxl", recipe=str(tmp_path / "own.yaml"))
    (tmp_path / "own.yaml").write_text(f"like: {tmp_path / 'own.yaml'}\nsettings: {{}}\n")
    with pytest.raises(ConfigError, match="is like itself"):
        load("sdxl", recipe=str(tmp_path / "own.yaml"))


@pytest.mark.parametrize(
    ("base", "recipe", "size", "said"),
    [
        ("sd15", "holo", (768, 768), "is enlarged for the training"),
        ("sdxl", "holo", (768, 768), ""),
        ("sdxl", "levels", (1024, 1024), ""),
        ("sd15", "levels", (512, 512), "it is trained at 512"),
        ("puppet", "holo", (96, 96), "it is trained at 96"),
    ],
)
def test_a_recipe_sets_the_pixels_of_training_where_the_base_allows(base, recipe, size, said, tmp_path):
    config = load(base, recipe=recipe)
    drawn = config.base.sampling.width, config.base.sampling.height
    assert config.finishing_recipe.size_for(drawn) == size
    assert side_of(config.base) == max(*size, *drawn)
    notes = resolution_warnings(config)
    assert [said in note for note in notes] == [True] * bool(said)
    write_trainer_file(tmp_path, ["10_m"], config.finishing_recipe, config.base.sampling)
    assert f"resolution = [{size[0]}, {size[1]}]" in (tmp_path / TRAINER_FILE).read_text()


def test_a_size_keeps_the_shape_of_the_base():
    recipe = load("sd15", recipe="holo").finishing_recipe
    assert recipe.size_for((512, 768)) == (624, 944)


def test_a_recipe_is_an_option_of_a_run(tmp_path, call):
    from pathlib import Path

    ruby = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
    options = ("--backend", "fake", "--recipe", "levels", "--out", tmp_path / "run")
    done = call("check", ruby / "seed.png", ruby / "character.json", *options)
    assert done.code == 0
    assert "--recipe levels" in done.out
