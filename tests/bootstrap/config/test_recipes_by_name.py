"""Recipes by name: data with its source, over a preset, for the finished LoRA alone."""

import pytest

from bootstrap.config import configs_dir, load, shipped_names
from bootstrap.config.recipes import recipe_named
from bootstrap.errors import ConfigError


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


def test_a_recipe_is_an_option_of_a_run(tmp_path, call):
    from pathlib import Path

    ruby = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
    options = ("--backend", "fake", "--recipe", "levels", "--out", tmp_path / "run")
    done = call("check", ruby / "seed.png", ruby / "character.json", *options)
    assert done.code == 0
    assert "--recipe levels" in done.out
