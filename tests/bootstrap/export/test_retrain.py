"""The file for sd-scripts beside a dataset has the settings of the recipe."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bootstrap.backends.sampling import SamplingSettings
from bootstrap.config import load, shipped_names
from bootstrap.config.steps import recipe_of
from bootstrap.export.retrain import TRAINER_FILE, write_trainer_file
from bootstrap.training.recipe import TrainRecipe


@pytest.mark.parametrize("name", shipped_names("base"))
def test_every_preset_can_be_trained_elsewhere(tmp_path: Path, name: str) -> None:
    base = load(name).base
    recipe = base.recipes["character"]
    write_trainer_file(tmp_path, ["10_mikachr"], recipe, base.sampling)
    text = (tmp_path / TRAINER_FILE).read_text()
    settings = tomllib.loads(text)
    (dataset,) = settings["datasets"]
    assert dataset["subsets"] == [{"image_dir": "10_mikachr", "num_repeats": 10}]
    assert dataset["resolution"] == [base.sampling.width, base.sampling.height]
    assert (dataset["batch_size"], dataset["enable_bucket"]) == (
        recipe.batch_size,
        recipe.enable_bucket,
    )
    assert settings["general"]["keep_tokens"] == recipe.keep_tokens
    assert f"--network_dim {recipe.rank}\n" in text
    assert f"--unet_lr {recipe.learning_rate:g}\n" in text
    assert ("--network_train_unet_only" in text) == (not recipe.text_encoder)
    assert ("--v_parameterization" in text) == (base.sampling.prediction_type == "v_prediction")


def test_what_a_person_changed_stays(tmp_path: Path) -> None:
    base = load("puppet").base
    recipe = base.recipes["character"]
    (tmp_path / TRAINER_FILE).write_text("mine")
    write_trainer_file(tmp_path, ["10_mikachr"], recipe, base.sampling)
    assert (tmp_path / TRAINER_FILE).read_text() == "mine"


def test_the_steps_are_those_that_were_trained(tmp_path):
    base = load("puppet").base
    write_trainer_file(tmp_path, ["10_x"], recipe_of(base, "character", 20), base.sampling)
    assert "--max_train_steps 320\n" in (tmp_path / TRAINER_FILE).read_text()


def test_other_networks_are_lycoris_there(tmp_path):
    recipe = TrainRecipe(network="lokr", rank=8, network_alpha=4, conv_rank=4)
    write_trainer_file(tmp_path, ["10_x"], recipe, SamplingSettings())
    text = (tmp_path / TRAINER_FILE).read_text()
    assert "--network_module lycoris.kohya" in text
    assert "--network_args algo=lokr factor=8 conv_dim=4 conv_alpha=2" in text
