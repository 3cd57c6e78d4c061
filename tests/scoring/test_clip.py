"""A real OpenCLIP model, tiny and untrained, through open_clip's own loader."""

import json

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from scoring.clip import ClipEncoder, ScorerUnavailable
from scoring.features import Features
from scoring.zeroshot import ViewCheck

CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip")
    (path / "tiny-test-clip.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(1)
    save_file(open_clip.CLIP(**CONFIG).state_dict(), path / "open_clip.safetensors")
    return path


@pytest.fixture(scope="module")
def encoder(folder):
    return ClipEncoder(str(folder))


def test_pictures_and_words_meet_in_one_space(encoder, paint):
    images = encoder.embed([paint("red").image, paint("blue", size=20).image])
    words = encoder.embed_words(["from behind", "from front", "from behind"])
    assert images.shape == (2, 16)
    assert words.shape == (3, 16)
    assert np.allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    assert np.array_equal(words[0], words[2])
    assert encoder.scale > 1


def test_the_same_picture_embeds_the_same_alone_or_in_a_batch(encoder, paint):
    both = encoder.embed([paint("red").image, paint("blue").image])
    assert np.allclose(encoder.embed([paint("blue").image])[0], both[1], atol=1e-5)


def test_it_serves_the_checks(encoder, paint):
    check = ViewCheck(encoder, Features(), {"front": ["from front"], "behind": ["from behind"]})
    front, behind = check.score([paint("red", view_family="front"), paint("red", view_family="behind")])
    assert front.value == pytest.approx(-behind.value)


def test_a_local_folder_of_open_clips_own_form_loads_too(folder, encoder, tmp_path, paint):
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG, "preprocess_cfg": {}}))
    (tmp_path / "open_clip.safetensors").write_bytes((folder / "open_clip.safetensors").read_bytes())
    other = ClipEncoder(str(tmp_path))
    assert np.allclose(other.embed([paint("red").image]), encoder.embed([paint("red").image]), atol=1e-5)


def test_the_fingerprint_follows_the_weights_not_the_place(folder, encoder, tmp_path):
    (tmp_path / "tiny-test-clip.json").write_text(json.dumps(CONFIG))
    (tmp_path / "open_clip.safetensors").write_bytes((folder / "open_clip.safetensors").read_bytes())
    assert ClipEncoder(str(tmp_path)).fingerprint == encoder.fingerprint
    torch.manual_seed(2)
    save_file(open_clip.CLIP(**CONFIG).state_dict(), tmp_path / "open_clip.safetensors")
    assert ClipEncoder(str(tmp_path)).fingerprint != encoder.fingerprint


def test_a_name_that_open_clip_knows_takes_a_local_weights_file(folder, encoder, tmp_path, paint):
    (tmp_path / "tiny-named-clip.json").write_text(json.dumps(CONFIG))
    open_clip.add_model_config(tmp_path / "tiny-named-clip.json")
    weights = tmp_path / "elsewhere.safetensors"
    weights.write_bytes((folder / "open_clip.safetensors").read_bytes())
    named = ClipEncoder("tiny-named-clip", str(weights))
    assert np.array_equal(named.embed([paint("red").image]), encoder.embed([paint("red").image]))
    assert np.array_equal(named.embed_words(["from behind"]), encoder.embed_words(["from behind"]))


@pytest.mark.parametrize(
    ("part", "file"),
    [
        ({"hf_tokenizer_name": "nobody/no-such-tokenizer"}, "tokenizer_config.json"),
        ({"hf_model_name": "nobody/no-such-tower"}, "config.json"),
    ],
)
def test_what_open_clip_would_fetch_is_told_and_not_fetched(folder, tmp_path, part, file):
    config = {**CONFIG, "text_cfg": {**CONFIG["text_cfg"], **part}}
    (tmp_path / f"hub-{file}").write_text(json.dumps(config))
    with pytest.raises(ScorerUnavailable, match=f"needs {file} of 'nobody/no-such-.*hf download") as told:
        ClipEncoder(str(tmp_path), str(folder / "open_clip.safetensors"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("model", "pretrained", "message"),
    [
        ("no-such-model", "", "'no-such-model' is neither a folder nor a model"),
        ("ViT-B-32", "", "no weights file for 'ViT-B-32'"),
        ("ViT-B-32", "missing.safetensors", "no weights file for 'ViT-B-32' .'missing.safetensors'."),
    ],
)
def test_what_is_missing_is_told_in_one_line(model, pretrained, message):
    with pytest.raises(ScorerUnavailable, match=message):
        ClipEncoder(model, pretrained)


def test_a_folder_without_a_model_and_weights_of_another_model_are_told(folder, tmp_path):
    with pytest.raises(ScorerUnavailable, match="has no model config"):
        ClipEncoder(str(tmp_path))
    (tmp_path / "other.json").write_text(json.dumps({**CONFIG, "embed_dim": 24}))
    with pytest.raises(ScorerUnavailable, match="does not load as other: ") as caught:
        ClipEncoder(str(tmp_path), str(folder / "open_clip.safetensors"))
    assert "\n" not in str(caught.value)
