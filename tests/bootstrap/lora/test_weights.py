"""The grammar of LoRA files: what is written is what programs look for, and is read back whole."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.errors import BackendError
from bootstrap.lora import Lora, kohya_names, load_kohya, metadata_for, metadata_of, save_diffusers, save_kohya

GRAMMAR = SD1.grammar
UNET = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
TEXT = "encoder.layers.0.self_attn.q_proj"


def pair(rank: int = 2) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    random = np.random.default_rng(0)
    return random.normal(size=(rank, 4)).astype(np.float32), random.normal(size=(6, rank)).astype(np.float32)


@pytest.mark.parametrize("text", [TEXT, f"text_model.{TEXT}"])
def test_the_text_encoder_has_one_name_in_files_however_transformers_calls_it(tmp_path: Path, text: str) -> None:
    lora = Lora({UNET: pair()}, 1.0, {text: pair()}, grammar=GRAMMAR)
    save_kohya(tmp_path / "k.safetensors", lora, {})
    assert {key.partition(".")[0] for key in load_file(tmp_path / "k.safetensors")} == {
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q",
        "lora_te_text_model_encoder_layers_0_self_attn_q_proj",
    }
    back = load_kohya(tmp_path / "k.safetensors", GRAMMAR, [UNET], [text])
    assert (back.rank, back.network_alpha, list(back.modules), list(back.text_modules)) == (2, 1.0, [UNET], [text])
    assert (back.text_modules[text][1] == pair()[1]).all()
    save_diffusers(tmp_path / "d.safetensors", lora)
    plain = load_file(tmp_path / "d.safetensors")
    assert np.allclose(plain[f"text_encoder.text_model.{TEXT}.lora_B.weight"], pair()[1] / 2)  # alpha 1 / rank 2


def test_equal_weights_are_equal_files_with_the_hash_of_their_tensors(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_kohya(
            tmp_path / name,
            Lora({UNET: pair()}, 1.0, grammar=GRAMMAR),
            {"ss_output_name": "mika", "modelspec.title": "ミカ"},
        )
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert length % 8 == 0
    assert metadata_of(tmp_path / "a")["sshs_model_hash"] == hashlib.sha256(data[8 + length :]).hexdigest()
    assert metadata_of(tmp_path / "a")["modelspec.title"] == "ミカ"


def test_files_that_are_no_lora_of_this_base_are_told(tmp_path: Path) -> None:
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "other")
    with pytest.raises(BackendError, match='"x" fits no module'):
        load_kohya(tmp_path / "other", GRAMMAR, [UNET])
    save_file({}, tmp_path / "empty")
    with pytest.raises(BackendError, match="holds no LoRA"):
        load_kohya(tmp_path / "empty", GRAMMAR, [UNET])
    save_file({"lora_unet_a.lora_down.weight": np.zeros((2, 2), np.float32)}, tmp_path / "half")
    with pytest.raises(BackendError, match="lacks"):
        load_kohya(tmp_path / "half", GRAMMAR, ["a"])


def metadata(objective: str, recipe: dict[str, object]) -> dict[str, str]:
    modules = kohya_names(GRAMMAR, [UNET])
    return metadata_for("a", "b", (96, 128), 9, grammar=GRAMMAR, objective=objective, modules=modules, training=recipe)


def test_an_objective_that_modelspec_has_no_word_for_is_left_out() -> None:
    assert "modelspec.prediction_type" not in metadata("flow", {})
    assert metadata("epsilon", {})["modelspec.prediction_type"] == "epsilon"


def test_a_recipe_is_told_in_the_words_of_sd_scripts() -> None:
    recipe = {"rank": 4, "learning_rate": 1e-4, "min_snr_gamma": None, "text_encoder": True, "text_encoder_lr": 5e-5,
              "tag_dropout": 0.1, "keep_tokens": 1, "random_seed": 7, "lr_scheduler": "cosine",
              "batch_size": 4, "gradient_accumulation_steps": 2}  # fmt: skip
    facts = metadata("v_prediction", recipe)
    assert all(isinstance(value, str) for value in facts.values())
    wanted = {"ss_unet_lr": "0.0001", "ss_text_encoder_lr": "5e-05", "ss_min_snr_gamma": "None", "ss_seed": "7",
            "ss_base_model_version": "sd_v1_v", "modelspec.prediction_type": "v", "ss_resolution": "(96, 128)",
            "ss_caption_tag_dropout_rate": "0.1", "ss_keep_tokens": "1", "ss_lr_scheduler": "cosine",
            "ss_batch_size_per_device": "4", "ss_total_batch_size": "8"}  # fmt: skip
    assert {key: facts[key] for key in wanted} == wanted
    assert "ss_noise_offset" not in facts  # nothing is claimed that the recipe does not say


@pytest.mark.parametrize(
    ("recipe", "rate"),
    [({}, "None"), ({"text_encoder_lr": 1e-5}, "None"), ({"text_encoder": True, "learning_rate": 1e-3}, "0.0001")],
)
def test_the_rate_of_the_text_encoder_is_the_one_that_was_used(recipe: dict[str, object], rate: str) -> None:
    facts = metadata("epsilon", recipe)
    assert facts["ss_text_encoder_lr"] == rate
