"""A DoRA as a plain LoRA by `lora convert --plain`: diffusers draws with the merged weight, within the stated error."""

import json
import re

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from typer.testing import CliRunner

from bootstrap.backends.architectures import ARCHITECTURES, Architecture
from bootstrap.cli.lora import lora_app
from bootstrap.errors import UsageError
from bootstrap.lora import Lora, kohya_names, metadata_of, save_kohya
from bootstrap.lora.kinds import Dora
from tests.bootstrap.backends.original_layout import save_checkpoint, save_configs

PARTS = ("unet", "text_encoder", "text_encoder_2")


def call(*words):
    return CliRunner().invoke(lora_app, [str(word) for word in words])


def loaded(base, architecture):
    import diffusers

    options = {"add_watermarker": False}
    if architecture == "sd1":
        options = {"safety_checker": None, "requires_safety_checker": False}
    return getattr(diffusers, ARCHITECTURES[architecture].pipeline).from_pretrained(base, **options)


def dora_for(pipe, architecture, rank=3):
    """A DoRA of random weights for everything that an adapter reaches, and the weights that the paper has with it."""
    own, random, parts, merged = ARCHITECTURES[architecture], torch.Generator().manual_seed(1), [], {}
    for part in PARTS:
        modules = {}
        pattern = own.targets.text if parts else f"{own.targets.denoiser}|{own.targets.convolutions}"
        for name, module in getattr(pipe, part).named_modules() if hasattr(pipe, part) else ():
            if not re.fullmatch(pattern, name):
                continue
            weight = module.weight.detach()
            down = 0.1 * torch.randn(rank, *weight.shape[1:], generator=random)
            up = 0.1 * torch.randn(len(weight), rank, *[1] * (weight.ndim - 2), generator=random)
            rows = (weight.flatten(1) + 0.5 * up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
            lengths = weight.flatten(1).norm(dim=1) * (1 + 0.05 * torch.randn(len(weight), generator=random))
            stretch = (lengths / rows.flatten(1).norm(dim=1)).reshape(-1, *[1] * (weight.ndim - 1))
            modules[name] = Dora(down.numpy(), up.numpy(), lengths.numpy())
            merged[f"{part}.{name}"] = weight.clone(), rows * stretch
        parts.append(modules)
    return Lora(parts[0], 0.5 * rank, *parts[1:], grammar=own.grammar), merged


@pytest.fixture(scope="module", params=["sd1", "sdxl"])
def made(request, tmp_path_factory, tiny, tiny_xl):
    """Architecture, base, a DoRA's file, and module → the base's weight and the merged one."""
    base, folder = (tiny, tiny_xl)[request.param == "sdxl"], tmp_path_factory.mktemp("dora")
    lora, merged = dora_for(loaded(base, request.param), request.param)
    about = {"modelspec.architecture": lora.grammar.modelspec, "modelspec.trigger_phrase": "mikachr"}
    about["bootstrap.modules"] = json.dumps(kohya_names(lora.grammar, *lora.parts))
    save_kohya(folder / "dora.safetensors", lora, about)
    return request.param, base, folder / "dora.safetensors", merged


def fused(base, architecture, file):
    pipe = loaded(base, architecture)
    pipe.load_lora_weights(file.parent, weight_name=file.name)
    pipe.fuse_lora(components=[part for part in PARTS if hasattr(pipe, part)])
    for part in PARTS:
        for name, weight in getattr(pipe, part).named_parameters() if hasattr(pipe, part) else ():
            yield f"{part}.{name.replace('.base_layer', '').removesuffix('.weight')}", weight.detach()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("to", ["kohya", "diffusers"])
def test_diffusers_draws_with_the_merged_weight_within_the_error_that_is_stated(made, tmp_path, to):
    architecture, base, dora, merged = made
    out = tmp_path / "plain.safetensors"
    done = call("convert", dora, out, "--plain", "--base", base, "--rank", 8, "--to", to)
    assert done.exit_code == 0, done.exception
    facts = json.loads(metadata_of(out)["bootstrap.plain"])
    lost = whole = 0.0
    shares = {}
    for name, weight in fused(base, architecture, out):
        if name in merged:
            before, wanted = merged.pop(name) if to == "diffusers" else merged[name]
            missing, change = float(((weight - wanted) ** 2).sum()), float(((wanted - before) ** 2).sum())
            lost, whole, shares[name] = lost + missing, whole + change, (missing / change) ** 0.5
    assert to == "kohya" or not merged, "every module was reached"
    assert 0.01 < (lost / whole) ** 0.5 < 1
    assert facts["relative_error"] == pytest.approx((lost / whole) ** 0.5, rel=0.01)
    assert facts["worst_relative_error"] == pytest.approx(max(shares.values()), rel=0.01)
    assert f"relative error {100 * facts['relative_error']:.2g} %" in done.output
    assert all(one.dtype == np.float16 for one in load_file(out).values() if one.ndim)
    told = json.loads(call("inspect", out, "--json").output)
    assert told["unknown keys"] == "" or to == "diffusers", "blocks that no real model has"
    assert told["network"] == "LoCon"
    assert to == "diffusers" or told["made from"].startswith("a DoRA by SVD, relative error")


def test_a_base_in_one_file_gives_the_same(made, tmp_path, monkeypatch):
    architecture, base, dora, _ = made
    if architecture != "sdxl":
        pytest.skip("the tiny one has not the blocks that the original layout numbers")
    pipe = loaded(base, architecture)
    save_configs(pipe, tmp_path / "configs")
    monkeypatch.setattr(Architecture, "configs", property(lambda one: tmp_path / "configs"))
    save_checkpoint(pipe, tmp_path / "base.safetensors")
    for source, name in ((base, "a"), (tmp_path / "base.safetensors", "b")):
        out = tmp_path / f"{name}.safetensors"
        assert call("convert", dora, out, "--plain", "--base", source).exit_code == 0
    one, other = (load_file(tmp_path / f"{name}.safetensors") for name in "ab")
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[key], other[key]) for key in one)


def refusal(*words):
    done = call("convert", *words)
    assert isinstance(done.exception, UsageError)
    assert "\n" not in str(done.exception)
    return done.exception.message


def test_what_a_person_got_wrong_is_one_line(made, tmp_path, tiny, tiny_xl):
    architecture, _, dora, _ = made
    other, out = (tiny_xl, tiny)[architecture == "sdxl"], tmp_path / "x.safetensors"
    assert "depends on the base" in refusal(dora, out, "--plain")
    assert "is a LoRA for Stable Diffusion" in refusal(dora, out, "--plain", "--base", other)
    assert '"nowhere" is not on this machine' in refusal(dora, out, "--plain", "--base", "nowhere")
    assert '--base "sd15" is for --plain' in refusal(dora, out, "--base", "sd15")
    assert '--rank "4" is for --plain' in refusal(dora, out, "--rank", 4)
    pair = np.ones((2, 4), np.float32), np.ones((4, 2), np.float32)
    lora = Lora({"down_blocks.0.attentions.0.proj_in": pair}, 1.0, grammar=ARCHITECTURES["sd1"].grammar)
    save_kohya(tmp_path / "lora.safetensors", lora, {})
    assert "plain LoRA already" in refusal(tmp_path / "lora.safetensors", out, "--plain")
    lora = Lora({"down_blocks.3.resnets.1.conv1": Dora(*pair, np.ones(4, "f4"))}, 1.0, grammar=lora.grammar)
    save_kohya(tmp_path / "far.safetensors", lora, {})
    assert 'has no module "down_blocks.3' in refusal(tmp_path / "far.safetensors", out, "--plain", "--base", tiny)
    assert not out.exists()
