"""LoCon, DoRA, LoHa and LoKr: trained through peft, written in the names that user interfaces read, and read back."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from bootstrap.backends.adapters import ADAPTER
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.lora import metadata_of, save_diffusers
from bootstrap.records import Job, JobKind, Shot, TrainItem
from bootstrap.training.recipe import TrainRecipe

SETTINGS = SamplingSettings(steps=2, guidance_scale=2.0, batch_size=1, width=32, height=32, dtype="float32")
RECIPE = TrainRecipe(
    rank=4, network_alpha=2, steps=3, batch_size=2, learning_rate=0.05, text_encoder=True, random_seed=3
)
NETWORKS = {
    "lora": {},
    "locon": {"conv_rank": 2},
    "locon with convolutions of their own alpha": {"conv_rank": 4, "conv_alpha": 1.0},
    "dora": {},
    "dora with convolutions": {"conv_rank": 4},
    "loha": {"conv_rank": 2},
    "loha with convolutions of their own alpha": {"conv_rank": 2, "conv_alpha": 4.0},
    "lokr": {"conv_rank": 4, "lokr_factor": 4, "rank": 4},
    "lokr of whole factors": {"lokr_factor": 8, "rank": 64},
}
SHOT = Shot(
    "front",
    "front",
    "portrait",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)


def silent(event):
    pass


def layers_of(model):
    from peft.tuners.tuners_utils import BaseTunerLayer

    return {name: layer for name, layer in model.named_modules() if isinstance(layer, BaseTunerLayer)}


def pixels(backend, adapter=None):
    job = Job("j", JobKind.CANDIDATE, 1, 1, SHOT, "green hair, rubychr", "", 1, {})
    ((_, image),) = next(iter(backend.draw([job], adapter)))
    return np.asarray(image).astype(int)


@pytest.fixture(scope="module")
def backend(tiny):
    return DiffusersBackend(tiny, SETTINGS, device="cpu")


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("red", "blue"):
        Image.effect_noise((32, 32), 60).convert("RGB").save(folder / f"{name}.png")
    return [TrainItem(str(folder / f"{name}.png"), ("rubychr", name), "seed") for name in ("red", "blue")]


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request, backend, items, tmp_path_factory):
    """Kind, file, and the weight that every reached module of the UNet has with it, as peft computes it."""
    recipe = RECIPE.model_copy(update={"network": request.param.split()[0], **NETWORKS[request.param]})
    path = backend.train(items, recipe, tmp_path_factory.mktemp("trained"), silent).path
    attached = {}
    for name, layer in layers_of(backend.base.denoiser).items():
        weight = layer.get_base_layer().weight.detach()
        with torch.no_grad():
            merged = weight + layer.get_delta_weight(ADAPTER)
            if getattr(layer, "lora_magnitude_vector", None):
                lengths = layer.lora_magnitude_vector[ADAPTER].weight.reshape(-1, *[1] * (weight.ndim - 1))
                merged = lengths * merged / merged.flatten(1).norm(dim=1).reshape(lengths.shape)
        attached[name] = (weight.clone(), merged)
    return request.param, path, attached


def as_comfy_reads(parts, weight):
    """The weight that ComfyUI computes (comfy/weight_adapter/{lora,loha,lokr}.py), written from its formulas."""
    alpha = float(parts["alpha"])
    if "lora_up.weight" in parts:
        down, up = (parts[f"lora_{name}.weight"].flatten(1) for name in ("down", "up"))
        change = alpha / len(down) * (up @ down).reshape(weight.shape)
    elif "hada_w1_a" in parts:
        one, two = (parts[f"hada_w{n}_a"] @ parts[f"hada_w{n}_b"] for n in (1, 2))
        change = alpha / len(parts["hada_w1_b"]) * (one * two).reshape(weight.shape)
    else:
        dim = None
        factors = []
        for n in (1, 2):
            if f"lokr_w{n}" in parts:
                factors.append(parts[f"lokr_w{n}"])
            else:
                dim = len(parts[f"lokr_w{n}_b"])
                factors.append(parts[f"lokr_w{n}_a"] @ parts[f"lokr_w{n}_b"])
        one, two = factors
        one = one[:, :, None, None] if two.ndim == 4 else one
        change = (alpha / dim if dim else 1.0) * torch.kron(one, two.contiguous()).reshape(weight.shape)
    merged = weight + change
    if "dora_scale" in parts:
        assert parts["dora_scale"].shape[0] == weight.shape[0]  # on the output axis
        lengths = merged.flatten(1).norm(dim=1).reshape(-1, *[1] * (weight.ndim - 1))
        merged = merged * (parts["dora_scale"] / lengths)
    return merged


def test_its_file_holds_the_weights_that_were_trained_as_programs_read_them(trained):
    kind, path, attached = trained
    tensors, names = load_file(path), json.loads(metadata_of(path)["bootstrap.modules"])
    parts = {}
    for key, tensor in tensors.items():
        name, _, last = key.partition(".")
        parts.setdefault(name, {})[last] = tensor
    assert set(parts) == set(names)
    mine = {name: module for name, module in names.items() if name.startswith("lora_unet_")}
    assert set(mine.values()) == set(attached)
    for name, module in mine.items():
        weight, wanted = attached[module]
        assert torch.allclose(as_comfy_reads(parts[name], weight), wanted, atol=1e-5), f"{kind}: {module}"
        assert (wanted != weight).any()
    wide = any("resnets" in module for module in attached)
    assert wide == bool({"locon", "loha"} & {kind} or "convolutions" in kind or kind == "lokr")
    assert any(name.startswith("lora_te_text_model_encoder_layers_") for name in parts)


def test_metadata_say_how_sd_scripts_would_have_trained_it(trained):
    kind, path, _ = trained
    facts = metadata_of(path)
    args = json.loads(facts["ss_network_args"])
    assert facts["ss_network_module"] == ("networks.lora" if kind.split()[0] in ("lora", "locon") else "lycoris.kohya")
    assert args.get("algo") == {"dora": "lora", "loha": "loha", "lokr": "lokr"}.get(kind.split()[0])
    if kind == "locon":
        assert args == {"conv_dim": "2", "conv_alpha": "1"}
    assert all(isinstance(value, str) for value in args.values())


def test_a_picture_is_the_same_from_the_file_and_the_base_comes_back(trained, backend, tiny):
    _, path, _ = trained
    plain = pixels(backend)
    attached = pixels(backend, path)
    assert (attached != plain).any()
    assert abs(attached - pixels(DiffusersBackend(tiny, SETTINGS, device="cpu"), path)).max() <= 1
    assert (pixels(backend) == plain).all()


@pytest.mark.filterwarnings("ignore")
def test_diffusers_loads_what_it_can_with_the_same_weights(trained, backend, tiny, tmp_path):
    from diffusers import StableDiffusionPipeline

    kind, path, attached = trained
    files = ["d", "k"] if kind in ("lora", "locon") else ["d"]  # of a kohya DoRA it leaves the lengths out
    save_diffusers(tmp_path / "d.safetensors", backend.adapter.load(path))
    (tmp_path / "k.safetensors").write_bytes(path.read_bytes())
    for name in files:
        pipe = StableDiffusionPipeline.from_pretrained(tiny, safety_checker=None, requires_safety_checker=False)
        pipe.load_lora_weights(tmp_path, weight_name=f"{name}.safetensors")
        pipe.fuse_lora()
        fused = {n.replace(".base_layer", ""): w for n, w in pipe.unet.named_parameters() if "lora_" not in n}
        for module, (_, wanted) in attached.items():
            assert torch.allclose(fused[f"{module}.weight"], wanted, atol=1e-5), f"{kind}, {name}: {module}"


def test_one_kind_after_another_leaves_no_trace(backend, items, tmp_path):
    first = backend.train(items, RECIPE, tmp_path / "a", silent).path
    backend.train(items, RECIPE.model_copy(update={"network": "loha", "conv_rank": 2}), tmp_path / "b", silent)
    backend.train(items, RECIPE.model_copy(update={"network": "dora"}), tmp_path / "c", silent)
    again = backend.train(items, RECIPE, tmp_path / "d", silent).path
    one, other = load_file(first), load_file(again)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
