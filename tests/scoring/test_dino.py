"""DINOv2 on crops: a tiny model of the same class, saved and loaded as a published one is."""

import json

import numpy as np
import pytest

from scoring.clip import ScorerUnavailable
from scoring.crops import Crops
from scoring.dino import DinoEncoder, DinoIdentity, DinoSettings
from scoring.features import Features
from scoring.identity import CropIdentity
from scoring.materials import Materials


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import torch
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    config = Dinov2Config(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)
    path = tmp_path_factory.mktemp("dino")
    Dinov2Model(config).save_pretrained(path)
    return path


def test_crops_become_unit_vectors(folder, grain):
    encoder = DinoEncoder(folder)
    rows = encoder.embed([grain(n).image for n in range(3)])
    assert rows.shape == (3, 16)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert encoder.fingerprint == DinoEncoder(folder).fingerprint


def test_the_seed_itself_is_the_most_alike(folder, paint):
    crops = Crops({"full body": {"head": (0, 0, 1, 0.5), "body": (0, 0.5, 1, 1)}})
    scorer = CropIdentity(DinoEncoder(folder), [paint("red", "blue")], crops, Features(), name="dino")
    same, other = scorer.score([paint("red", "blue"), paint("green", "red")])
    assert same.value == pytest.approx(1, abs=1e-5)
    assert other.value < same.value


@pytest.mark.parametrize("reads", ["texture", "parts"])
def test_it_reads_how_a_picture_is_drawn_or_its_parts(folder, paint, grain, reads):
    settings = DinoSettings(model=str(folder), crops=("whole",), reads=reads)
    seed = paint("red", "blue")
    encoder = settings.load(folder, "cpu")
    materials = Materials(encoder, Features(), Crops({"full body": {}}), [seed], own={"dino": encoder})
    same, other = DinoIdentity.make("dino", settings, materials).score([seed, grain(3)])
    assert (same.value, other.value < same.value) == (pytest.approx(1, abs=1e-4), True)
    assert encoder.fingerprint != DinoEncoder(folder).fingerprint


def test_what_is_no_dino_is_named(folder, tmp_path):
    with pytest.raises(ScorerUnavailable, match=r"has no config\.json with model\.safetensors"):
        DinoEncoder(tmp_path)
    told = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**told, "model_type": "vit"}))
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ScorerUnavailable, match="does not load as DINOv2"):
        DinoEncoder(tmp_path)
