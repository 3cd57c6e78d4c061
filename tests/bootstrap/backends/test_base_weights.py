"""A base's weights one at a time: every module that a LoRA can reach, from folders and files of every form."""

import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from bootstrap.backends.architectures import ARCHITECTURES, Architecture
from bootstrap.backends.base_weights import BaseWeights
from bootstrap.errors import BackendError
from tests.bootstrap.backends.original_layout import save_checkpoint, save_configs


def targets_of(pipe, architecture):
    """Part, module path and weight of everything that an adapter is attached to."""
    targets = ARCHITECTURES[architecture].targets
    wide = f"{targets.denoiser}|{targets.convolutions}"
    parts = [pipe.unet, pipe.text_encoder, getattr(pipe, "text_encoder_2", None)]
    for part, model in enumerate(parts):
        for name, module in model.named_modules() if model else ():
            if re.fullmatch(targets.text if part else wide, name):
                yield part, name, module.weight.detach()


def check(base, pipe, architecture):
    weights, seen = BaseWeights(base), set()
    for part, module, wanted in targets_of(pipe, architecture):
        assert torch.allclose(torch.from_numpy(weights.read(part, module)), wanted.float(), atol=1e-3), module
        seen.add(part)
    assert len(seen) == (3 if architecture == "sdxl" else 2)


@pytest.fixture(scope="module")
def xl(tiny_xl):
    from diffusers import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline.from_pretrained(tiny_xl, add_watermarker=False)


@pytest.fixture(scope="module")
def small(tiny):
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline.from_pretrained(tiny, safety_checker=None, requires_safety_checker=False)


def test_a_folder(tiny_xl, xl):
    check(tiny_xl, xl, "sdxl")


def test_a_file_in_the_original_layout(tmp_path, xl, monkeypatch):
    save_configs(xl, tmp_path / "configs")
    monkeypatch.setattr(Architecture, "configs", property(lambda one: tmp_path / "configs"))
    save_checkpoint(xl, tmp_path / "xl.safetensors")
    check(tmp_path / "xl.safetensors", xl, "sdxl")


def test_what_diffusers_loads_is_read_where_a_folder_has_several_forms(tmp_path, tiny, small):
    shutil.copytree(tiny, tmp_path / "base")
    unet = tmp_path / "base" / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(unet)
    save_file({name: 0 * one for name, one in weights.items()}, unet.with_suffix(".non_ema.safetensors"))
    save_file({name: 0 * one for name, one in weights.items()}, unet.with_suffix(".fp16.safetensors"))
    check(tmp_path / "base", small, "sd1")
    save_file({name: one.half() for name, one in weights.items()}, unet.with_suffix(".fp16.safetensors"))
    unet.unlink()
    check(tmp_path / "base", small, "sd1")


def test_files_in_parts_and_pickles(tmp_path, tiny, small):
    shutil.copytree(tiny, tmp_path / "base")
    unet = tmp_path / "base" / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(unet)
    for number in (0, 1):
        some = {name: one for place, (name, one) in enumerate(weights.items()) if place % 2 == number}
        save_file(some, unet.with_name(f"diffusion_pytorch_model-0000{number + 1}-of-00002.safetensors"))
    unet.unlink()
    text = tmp_path / "base" / "text_encoder" / "model.safetensors"
    torch.save(load_file(text), text.with_name("pytorch_model.bin"))
    text.unlink()
    check(tmp_path / "base", small, "sd1")


def test_a_module_that_is_not_there_is_named(tiny):
    with pytest.raises(BackendError, match=r'has no module "down_blocks\.7'):
        BaseWeights(tiny).read(0, "down_blocks.7.attentions.0.proj_in")
    with pytest.raises(BackendError, match='has no module "text_model'):
        BaseWeights(tiny).read(2, "text_model.encoder.layers.0.mlp.fc1")
