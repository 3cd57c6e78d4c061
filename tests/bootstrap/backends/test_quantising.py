"""Frozen weights in eight and four bits: loaded, drawn with, trained on and resumed, on tiny models of real classes."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from bootstrap.backends import prompts_chat
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.fitting_settings import check_quantising
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.quantising import quantise, quantised_layers
from bootstrap.backends.sampling import BYTES_A_WEIGHT
from bootstrap.config import load
from bootstrap.errors import BackendError, Interrupted
from bootstrap.events import Progress
from bootstrap.lora import Lora, save_kohya
from bootstrap.lora.kinds import Hada
from bootstrap.records import TrainItem
from tests.bootstrap.backends.test_klein import COMFY
from tests.bootstrap.backends.test_z_image import PLAIN, SETTINGS, Z_IMAGE, drawn

RUBY = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
NO_PACKAGE = importlib.util.find_spec("bitsandbytes") is None
needs_the_package = pytest.mark.skipif(NO_PACKAGE, reason="bitsandbytes is not installed")
RECIPE = PLAIN.model_copy(update={"steps": 6, "text_variants": 1, "gradient_checkpointing": True})


def settings(bits):
    return SETTINGS.model_copy(update={"quantise": bits})


@pytest.fixture(autouse=True)
def short_prompts(monkeypatch):
    monkeypatch.setattr(prompts_chat, "LONGEST", 32)  # its language model takes most of the time


@pytest.fixture(scope="module")
def bases(tiny_z_image):
    """Bits → the same base, drawn and trained with."""
    kinds = ("none", "8bit", "4bit") if not NO_PACKAGE else ()
    return {bits: DiffusersBackend(tiny_z_image, settings(bits), device="cpu") for bits in kinds}


@pytest.fixture
def items(tmp_path):
    Image.effect_noise((64, 64), 60).convert("RGB").save(tmp_path / "red.png")
    return [TrainItem(str(tmp_path / "red.png"), ("rubychr", "red"), "seed")]


def quiet(event):
    pass


@needs_the_package
@pytest.mark.parametrize(("bits", "pixels", "loss"), [("8bit", 1, 0.003), ("4bit", 16, 0.05)])
def test_a_lora_trains_on_few_bits_nearly_as_on_whole_weights_and_alone_has_gradients(
    bases, items, tmp_path, bits, pixels, loss
):
    whole, few = bases["none"], bases[bits]
    assert 0 < abs(drawn(whole) - drawn(few)).mean() < pixels
    wanted, found = whole.train(items, RECIPE, tmp_path / "w", quiet), few.train(items, RECIPE, tmp_path / "f", quiet)
    assert found.final_loss == pytest.approx(wanted.final_loss, rel=loss)
    assert found.final_loss != wanted.final_loss
    trained = [name for name, one in few.base.denoiser.named_parameters() if one.requires_grad]
    assert trained
    assert all(".lora_" in name for name in trained)
    own, usual = load_file(found.path), load_file(wanted.path)
    assert {name: one.shape for name, one in own.items()} == {name: one.shape for name, one in usual.items()}
    assert abs(drawn(few, found.path) - drawn(few)).mean() > 1
    assert abs(drawn(whole, found.path) - drawn(few, found.path)).mean() < 2 * pixels, "for the whole base too"


@needs_the_package
def test_a_training_on_four_bits_that_was_cut_ends_as_an_undisturbed_one(bases, items, tmp_path):
    def cut(event):
        if isinstance(event, Progress) and event.done == 5:
            raise Interrupted

    undisturbed = bases["4bit"].train(items, RECIPE, tmp_path / "a", quiet)
    with pytest.raises(Interrupted):
        bases["4bit"].train(items, RECIPE, tmp_path / "b", cut)
    resumed = bases["4bit"].train(items, RECIPE, tmp_path / "b", quiet)
    wanted, found = load_file(undisturbed.path), load_file(resumed.path)
    assert all((wanted[name] == found[name]).all() for name in wanted)
    on_whole_weights = bases["none"].train(items, RECIPE, tmp_path / "b", quiet)
    assert on_whole_weights.final_loss != resumed.final_loss, "no checkpoint of a training on other weights goes on"


@needs_the_package
@pytest.mark.parametrize("bits", BYTES_A_WEIGHT)
def test_layers_of_blocks_take_as_many_bytes_as_are_counted_and_move_whole(bits):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Linear(512, 256)), torch.nn.Linear(3, 3))
    given = torch.randn(4, 512)
    wanted = model[0](given)
    assert list(quantised_layers(model)) == ["0.0"], "a layer outside of blocks is left"
    quantise(model, bits, "cpu")
    (layer,) = model[0]
    assert (model[0](given) - wanted).std() / wanted.std() < {"8bit": 0.02, "4bit": 0.12}[bits]
    if bits == "8bit":
        taken = layer.weight.nbytes
        assert layer.double().state.SCB.dtype == torch.float64, "its scales move with it"
        assert layer.state.CB.data_ptr() == layer.weight.data_ptr()
    else:
        state = layer.weight.quant_state
        taken = layer.weight.nbytes + state.absmax.nbytes + state.state2.absmax.nbytes
    assert taken == pytest.approx(256 * 512 * BYTES_A_WEIGHT[bits], rel=0.001)
    assert type(model[1]) is torch.nn.Linear


@needs_the_package
def test_the_fused_layers_of_klein_are_quantised_and_their_lora_has_the_usual_keys(tiny_klein, items, tmp_path):
    few = DiffusersBackend(tiny_klein, settings("4bit"), device="cpu")
    layer = few.base.denoiser.get_submodule("transformer_blocks.0.attn.to_qkv")
    assert (layer.in_features, layer.out_features, layer.weight.dtype) == (16, 48, torch.uint8)
    assert type(few.base.denoiser.get_submodule("proj_out")) is torch.nn.Linear
    found = few.train(items, RECIPE.model_copy(update={"steps": 2}), tmp_path / "w", quiet)
    keys = load_file(found.path).keys()
    assert {key.split(".")[1] for key in keys} == {"double_blocks", "single_blocks"}
    assert all(re.fullmatch(COMFY, key) for key in keys)
    assert np.isfinite(found.final_loss)


@needs_the_package
def test_other_bits_are_another_drawer(bases):
    assert len({one.fingerprint for one in bases.values()}) == 3


@needs_the_package
def test_a_product_of_factors_is_drawn_with_on_eight_bits_and_refused_on_four(bases, tmp_path):
    random = np.random.default_rng(0)
    factors = Hada(*(random.normal(size=size).astype(np.float32) for size in ((16, 2), (2, 16)) * 2))
    lora = Lora({"layers.0.attention.to_q": factors}, 1.0, grammar=Z_IMAGE.grammar)
    save_kohya(tmp_path / "x.safetensors", lora, {})
    assert abs(drawn(bases["8bit"], tmp_path / "x.safetensors") - drawn(bases["8bit"])).max() > 1
    with pytest.raises(BackendError, match=r'network "loha" does not go with base\.sampling\.quantise "4bit"'):
        drawn(bases["4bit"], tmp_path / "x.safetensors")
    config = load("z-image", overrides=["base.sampling.quantise=4bit", "base.recipes.character.network=loha"])
    with pytest.raises(BackendError, match="does not go with"):
        check_quantising(config.base.sampling.quantise, [config.base.recipes["character"].network])


def test_without_the_package_one_line_says_so_before_anything_is_loaded(tiny_z_image, call, monkeypatch, tmp_path):
    plain = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: plain(name, *more) if "bitsa" not in name else None
    )
    with pytest.raises(BackendError, match='quantise "4bit" needs the package bitsandbytes'):
        LoadedBase(tiny_z_image, settings("4bit"), "cpu")
    asked = [RUBY / "seed.png", RUBY / "character.json", "--set", "base.scoring=puppet"]
    for command, base, quantised in (
        ("check", "z-image", ["--profile", "12gb"]),
        ("run", tiny_z_image, ["--set", "base.sampling.quantise=4bit", "--preset", "z-image"]),
    ):
        done = call(command, *asked, "--base", base, *quantised, "--out", tmp_path / "run")
        assert done.code == 2
        assert "needs the package bitsandbytes (not installed)" in " ".join((done.out + done.err).split())
        assert 'pip install "lora-bootstrap[quantised]"' in " ".join((done.out + done.err).split())
    assert not (tmp_path / "run").exists()
