"""The files of edit models: whether they are whole and fit, before anything is loaded."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from bootstrap.backends.outside.edit_files import bytes_of_parts, find_edit_files
from bootstrap.backends.outside.edit_settings import EditSettings
from bootstrap.errors import BackendError

KLEIN = {"name": "klein", "pipeline": "Flux2KleinPipeline", "steps": 4, "license": "Apache-2.0"}
CAMERA = {"template": "{azimuth}", "azimuth": {"*": "a"}, "elevation": {"*": "b"}, "distance": {"*": "c"}}


def write(path, **data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


@pytest.fixture
def folder(tmp_path):
    """What looks like FLUX.2 klein: configurations, and a few weights in each part."""
    root = tmp_path / "klein"
    write(root / "model_index.json", _class_name="Flux2KleinPipeline", is_distilled=True)
    for part in ("transformer", "text_encoder", "vae"):
        write(root / part / "config.json", joint_attention_dim=7680, num_attention_heads=2, attention_head_dim=16)
        save_file({"w": np.zeros(5, np.float16)}, root / part / "model.safetensors")
    write(root / "tokenizer" / "tokenizer.json")
    write(root / "scheduler" / "scheduler_config.json")
    return root


def found(folder, **more):
    return find_edit_files(EditSettings(**{**KLEIN, "path": str(folder), **more}))


def test_a_whole_folder_is_found_and_its_weights_are_counted(folder):
    assert found(folder).folder == folder
    assert bytes_of_parts(folder, 2) == {"transformer": 10, "text_encoder": 10, "vae": 10}
    write(folder / "transformer/config.json", quantization_config={"quant_method": "safetensors"})
    assert bytes_of_parts(folder, 4)["transformer"] == (folder / "transformer/model.safetensors").stat().st_size


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / "model_index.json").unlink(), "holds no diffusers model (no model_index.json)"),
        (lambda root: (root / "model_index.json").write_text("{"), 'model_index.json" cannot be read'),
        (lambda root: write(root / "model_index.json", _class_name="FluxPipeline"), 'holds a "FluxPipeline", not a'),
        (lambda root: (root / "vae/config.json").unlink(), "has no vae/config.json"),
        (lambda root: (root / "text_encoder/model.safetensors").unlink(), "has no weights in text_encoder"),
        (lambda root: write(root / "transformer/m.safetensors.index.json",
                            weight_map={"a": "model.safetensors", "b": "part-2.safetensors"}),
         "has no transformer/part-2.safetensors"),
        (lambda root: (root / "vae/model.safetensors").write_bytes(b"version https://git-lfs.x"), "git-lfs pointer"),
        (lambda root: (root / "vae/model.safetensors").write_bytes(b"cut"), "no safetensors file that can be read"),
        (lambda root: (root / "tokenizer/tokenizer.json").unlink(), "has no tokenizer/tokenizer.json or vocab.json"),
        (lambda root: (root / "scheduler/scheduler_config.json").unlink(), "has no scheduler/scheduler_config.json"),
        (lambda root: write(root / "transformer/config.json", joint_attention_dim=12288), "klein 9B, whose licence"),
        (lambda root: write(root / "transformer/config.json", quantization_config={"quant_method": "none_such"}),
         "quantised with none_such, which is not installed"),
        (lambda root: write(root / "model_index.json", _class_name="Flux2KleinPipeline"), "does not draw in 4 steps"),
    ],
)  # fmt: skip
def test_what_is_missing_or_does_not_fit_is_named(folder, spoil, said):
    spoil(folder)
    with pytest.raises(BackendError) as raised:
        found(folder)
    assert said in raised.value.message
    assert raised.value.hint
    assert "\n" not in str(raised.value)


def test_a_distilled_model_takes_no_guidance(folder):
    with pytest.raises(BackendError, match="takes no guidance"):
        found(folder, guidance_scale=4)


def test_a_model_that_is_not_here_comes_with_the_command_that_fetches_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BackendError, match="hf download someone/edit-model fetches it"):
        found("someone/edit-model")
    with pytest.raises(BackendError, match="not on this machine"):
        found(tmp_path / "nowhere")


def test_a_camera_lora_fits_the_transformer(folder, tmp_path):
    lora = {"path": str(tmp_path), "file": "angles.safetensors"}
    settings = {"camera": CAMERA, "camera_lora": lora}
    with pytest.raises(BackendError, match="is not on this machine"):
        found(folder, **settings)
    key = "transformer.transformer_blocks.0.attn.to_q.lora_A.weight"
    save_file({key: np.zeros((4, 64), np.float16)}, tmp_path / "angles.safetensors")
    with pytest.raises(BackendError, match="width 64, the model has 32"):
        found(folder, **settings)
    save_file({key: np.zeros((4, 32), np.float16)}, tmp_path / "angles.safetensors")
    assert found(folder, **settings).camera == tmp_path / "angles.safetensors"


@pytest.mark.parametrize(
    ("more", "said"),
    [({"camera": CAMERA}, "belong together"), ({"shapes": {"portrait": [[1, 3]]}}, "at most twice the other"),
     ({"pipeline": "QwenImageEditPlusPipeline", "most": 0}, "nothing without a reference")],
)  # fmt: skip
def test_settings_that_do_not_fit_each_other_are_refused(more, said):
    with pytest.raises(ValueError, match=said):
        EditSettings(**{**KLEIN, "path": "x", **more})
