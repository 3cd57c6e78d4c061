"""CCIP: the signature of its graphs, its metric, and identity by it."""

import numpy as np
import pytest
from PIL import Image

from scoring.ccip import MEAN, STD, CcipEncoder, difference
from scoring.clip import ScorerUnavailable
from scoring.crops import Crops
from scoring.features import Features
from scoring.identity import CropIdentity
from tests.scoring.graphs_made import ccip, save

WHOLE = Crops({"full body": {"whole": (0.0, 0.0, 1.0, 1.0)}})


def test_pictures_are_squashed_and_normalised_as_clip_does(tmp_path):
    encoder = CcipEncoder(ccip(tmp_path))
    image = Image.new("RGB", (30, 90), (255, 0, 0))
    expected = (np.array([1.0, 0.0, 0.0]) - MEAN) / STD
    assert encoder.embed([image])[0] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-3)


def test_a_picture_answers_the_same_alone_and_among_others(tmp_path, grain):
    encoder, images = CcipEncoder(ccip(tmp_path)), [grain(n).image for n in range(3)]
    assert np.array_equal(encoder.embed(images)[1], encoder.embed(images[1:2])[0])
    assert np.linalg.norm(encoder.embed(images), axis=1) == pytest.approx([1, 1, 1])


def test_the_same_character_comes_before_another(tmp_path, paint):
    scorer = CropIdentity(CcipEncoder(ccip(tmp_path)), [paint("red")], WHOLE, Features(), name="ccip", use=("whole",))
    same, near, other = (m.value for m in scorer.score([paint("red"), paint("red", (200, 40, 40)), paint("blue")]))
    assert scorer.name == "ccip"
    assert same == pytest.approx(1)
    assert same > near > other


def test_difference_is_the_models_own_metric():
    assert [difference(value) for value in (1.0, 0.0, -1.0, 1.1)] == [0.0, 0.5, 1.0, 0.0]


def test_a_model_with_another_metric_is_refused(tmp_path):
    with pytest.raises(ScorerUnavailable, match="another metric"):
        CcipEncoder(ccip(tmp_path / "other", metric="0.9 (1 - cosine)"))
    assert CcipEncoder(ccip(tmp_path / "none", metric=None)).fingerprint.startswith("ccip:")


def test_what_is_no_ccip_model_is_named(tmp_path):
    with pytest.raises(ScorerUnavailable, match=r"ccip: no file '.*model_feat\.onnx'"):
        CcipEncoder(tmp_path)
    (tmp_path / "model_feat.onnx").write_bytes(b"no graph")
    with pytest.raises(ScorerUnavailable, match="is not an ONNX graph"):
        CcipEncoder(tmp_path)
    from onnx import helper

    flat = helper.make_node("Identity", ["input"], ["output"])
    save(tmp_path / "flat" / "model_feat.onnx", ["n", 8], [flat], {"output": ["n", 8]})
    with pytest.raises(ScorerUnavailable, match=r"takes \['n', 8\]"):
        CcipEncoder(tmp_path / "flat")


def test_the_fingerprint_follows_the_weights(tmp_path):
    one, two = CcipEncoder(ccip(tmp_path / "a")), CcipEncoder(ccip(tmp_path / "b", side=96))
    assert one.fingerprint == CcipEncoder(tmp_path / "a").fingerprint != two.fingerprint
