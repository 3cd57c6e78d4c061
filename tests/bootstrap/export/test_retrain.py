"""What sd-scripts reads beside a dataset says what the recipe says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bootstrap.backends.sampling import SamplingSettings
from bootstrap.config import known, load
from bootstrap.export.retrain import TRAINER_FILE, write_trainer_file
from bootstrap.training.recipe import TrainRecipe


@pytest.mark.parametrize("name", known("base"))
def test_every_preset_can_be_trained_elsewhere(tmp_path: Path, name: str) -> None:
    base = load(name).base
    write_trainer_file(tmp_path, tmp_path / "10_mikachr", base.recipes["character"], base.sampling)
    text = (tmp_path / TRAINER_FILE).read_text()
    told = tomllib.loads(text)
    (dataset,) = told["datasets"]
    assert dataset["subsets"] == [{"image_dir": "10_mikachr", "num_repeats": 10}]
    assert dataset["resolution"] == [base.sampling.width, base.sampling.height]
    assert (dataset["batch_size"], dataset["enable_bucket"]) == (
        base.recipes["character"].batch_size,
        base.recipes["character"].enable_bucket,
    )
    assert told["general"]["keep_tokens"] == base.recipes["character"].keep_tokens
    assert f"--network_dim {base.recipes["character"].rank}\n" in text
    assert f"--unet_lr {base.recipes["character"].learning_rate:g}\n" in text
    assert ("--network_train_unet_only" in text) == (not base.recipes["character"].text_encoder)
    assert ("--v_parameterization" in text) == (base.sampling.prediction_type == "v_prediction")


def test_what_a_person_changed_stays(tmp_path: Path) -> None:
    base = load("puppet").base
    (tmp_path / TRAINER_FILE).write_text("mine")
    write_trainer_file(tmp_path, tmp_path / "10_mikachr", base.recipes["character"], base.sampling)
    assert (tmp_path / TRAINER_FILE).read_text() == "mine"


def test_other_networks_are_lycoris_there(tmp_path):
    recipe = TrainRecipe(network="lokr", rank=8, network_alpha=4, conv_rank=4)
    write_trainer_file(tmp_path, tmp_path / "10_x", recipe, SamplingSettings())
    text = (tmp_path / TRAINER_FILE).read_text()
    assert "--network_module lycoris.kohya" in text
    assert "--network_args algo=lokr factor=8 conv_dim=4 conv_alpha=2" in text
