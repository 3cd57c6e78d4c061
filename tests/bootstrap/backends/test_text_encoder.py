"""LoRA weights in the text encoder as well, and on a base in half precision."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.lora import metadata_of, save_diffusers
from bootstrap.records import Job, JobKind, Shot, TrainItem
from bootstrap.training.recipe import TrainRecipe

SETTINGS = SamplingSettings(steps=2, guidance_scale=2.0, batch_size=2, width=32, height=32, dtype="float32")
RECIPE = TrainRecipe(
    rank=4,
    network_alpha=2,
    steps=4,
    batch_size=2,
    learning_rate=0.02,
    text_encoder=True,
    text_encoder_lr=0.01,
    random_seed=3,
)  # fmt: skip
SHOT = Shot(
    "front",
    "front",
    "portrait",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)


def drawn(backend, adapter=None):
    job = Job("j1", JobKind.CANDIDATE, 1, 1, SHOT, "green hair, rubychr", "", 1, {})
    return [np.asarray(image) for batch in backend.draw([job], adapter) for _, image in batch]


def silent(event):
    pass


@pytest.fixture(scope="module")
def backend(tiny):
    return DiffusersBackend(tiny, SETTINGS, device="cpu")


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    found = []
    for name in ("red", "blue"):
        Image.new("RGB", (32, 32), name).save(folder / f"{name}.png")
        found.append(TrainItem(str(folder / f"{name}.png"), ("rubychr", name), "seed"))
    return found


@pytest.fixture(scope="module")
def path(backend, items, tmp_path_factory):
    return backend.train(items, RECIPE, tmp_path_factory.mktemp("with-text"), silent).path


def test_its_weights_are_trained_and_named_as_user_interfaces_name_them(path):
    tensors = load_file(path)
    text = {key for key in tensors if key.startswith("lora_te_")}
    assert {key.split(".")[0] for key in text} == {
        f"lora_te_text_model_encoder_layers_{n}_{part}"
        for n in (0, 1)
        for part in (*(f"self_attn_{p}_proj" for p in ("q", "k", "v", "out")), "mlp_fc1", "mlp_fc2")
    }
    assert all(float(tensors[key].abs().sum()) > 0 for key in text if key.endswith("lora_up.weight"))
    assert any(key.startswith("lora_unet_") for key in tensors)
    assert metadata_of(path)["ss_text_encoder_lr"] == "0.01"
    assert "lora_te_text_model_encoder_layers_0_mlp_fc1" in json.loads(metadata_of(path)["bootstrap.modules"])


@pytest.mark.filterwarnings("ignore")
def test_diffusers_applies_both_files_alike_and_as_we_do(backend, path, tmp_path, tiny):
    from diffusers import StableDiffusionPipeline

    lora = backend.adapter.load(path)
    save_diffusers(tmp_path / "pytorch_lora_weights.safetensors", lora)
    effects = []
    for folder, name in ((path.parent, path.name), (tmp_path, "pytorch_lora_weights.safetensors")):
        pipe = StableDiffusionPipeline.from_pretrained(tiny, safety_checker=None, requires_safety_checker=False)
        plain = {name: weight.clone() for name, weight in pipe.text_encoder.named_parameters()}
        pipe.load_lora_weights(folder, weight_name=name)
        pipe.fuse_lora()
        fused = {n.replace(".base_layer", ""): w for n, w in pipe.text_encoder.named_parameters() if "lora_" not in n}
        effects.append({name: fused[name] - weight for name, weight in plain.items()})
    ours = {f"{name}.weight": torch.from_numpy(up @ down) * 0.5 for name, (down, up) in lora.text_modules.items()}
    for effect in effects:
        assert {name for name, change in effect.items() if float(change.abs().sum()) > 0} == set(ours)
        assert all(torch.allclose(effect[name], change, atol=1e-6) for name, change in ours.items())


def test_prompts_are_remembered_for_one_text_encoder_only(backend, items, path, tmp_path):
    before, words = drawn(backend), backend.base.prompts.encode(["red"]).states
    attached = drawn(backend, path)
    assert (attached[0] != before[0]).any()
    assert not torch.equal(backend.base.prompts.encode(["red"]).states, words)
    without_text = backend.train(items, RECIPE.model_copy(update={"text_encoder": False}), tmp_path, silent).path
    drawn(backend, without_text)
    assert torch.equal(backend.base.prompts.encode(["red"]).states, words)
    assert (drawn(backend, path)[0] == attached[0]).all()
    assert (drawn(backend)[0] == before[0]).all()


def test_training_it_leaves_no_trace_in_the_next_training(backend, items, tmp_path):
    plain = RECIPE.model_copy(update={"text_encoder": False})
    first = load_file(backend.train(items, plain, tmp_path / "1", silent).path)
    backend.train(items, RECIPE, tmp_path / "2", silent)
    again = load_file(backend.train(items, plain, tmp_path / "3", silent).path)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not any(key.startswith("lora_te_") for key in again)


def test_activations_computed_twice_give_the_same_weights(backend, items, path, tmp_path):
    saving = RECIPE.model_copy(update={"gradient_checkpointing": True})
    calls = []
    block = backend.base.denoiser.up_blocks[0]  # behind the first LoRA weights: gradients pass it
    hook = block.resnets[0].register_forward_pre_hook(lambda *seen: calls.append(1))
    there = load_file(backend.train(items, saving, tmp_path, silent).path)
    hook.remove()
    assert len(calls) == 2 * RECIPE.steps
    assert not block.gradient_checkpointing
    assert all(torch.allclose(tensor, there[key], atol=1e-6) for key, tensor in load_file(path).items())


def test_a_base_in_bfloat16_trains_in_float32(tiny, items, tmp_path):
    half = DiffusersBackend(tiny, SETTINGS.model_copy(update={"dtype": "bfloat16"}), device="cpu")
    held = {part: next(getattr(half.base.pipe, part).parameters()).dtype for part in ("unet", "text_encoder", "vae")}
    assert held == {"unet": torch.bfloat16, "text_encoder": torch.bfloat16, "vae": torch.float32}
    inputs = half.trainer.inputs(items, RECIPE)
    assert {weight.dtype for weight in (*inputs.weights, *inputs.text_weights)} == {torch.float32}
    trained = half.train(items, RECIPE, tmp_path, silent)
    assert np.isfinite(trained.final_loss)
    assert drawn(half, trained.path)[0].std() > 0
