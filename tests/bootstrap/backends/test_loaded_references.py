"""References: the embedded adapter draws, is off without one, and wrong files are told in a line."""

import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.loaded_references import LoadedReferences
from bootstrap.backends.reference_files import check_reference
from bootstrap.backends.regularisation import NO_SHOT
from bootstrap.config import embedded, load
from bootstrap.config.reading import reference_named
from bootstrap.errors import BackendError, ConfigError
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.panel.head_references import head_of_reference
from bootstrap.records import Job, JobKind, Reference, Region, TrainItem

BASE = embedded("embedded:base")
SETTINGS = load("puppet").base.reference
ADAPTER = embedded(SETTINGS.path)
PLAIN = {"steps": 2, "batch_size": 3, "scheduler": "ddim", "dtype": "float32"}
FEW_STEPS = load("puppet").base.sampling.model_copy(update=PLAIN)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with two pictures, and the references to them."""
    torch.set_num_threads(1)
    folder, found = tmp_path_factory.mktemp("pictures"), []
    for number, color in enumerate([(250, 20, 20), (20, 20, 250)]):
        path = folder / f"{number}.png"
        Image.new("RGB", (96, 128), color).save(path)
        found.append(Reference(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), 1.0))
    return folder, found


@pytest.fixture(scope="module")
def backend(pictures):
    folder = pictures[0]
    load_references = lambda base: LoadedReferences(base, ADAPTER, SETTINGS, folder)  # noqa: E731
    return DiffusersBackend(BASE, FEW_STEPS, "cpu", load_references, pictures=folder)


def job(name, *references):
    return Job(name, JobKind.CANDIDATE, 1, 1, NO_SHOT, "1girl, solo", "", 7, {}, references)


def drawn(backend, *jobs):
    return {one.id: np.asarray(image, float) for batch in backend.draw(jobs, None) for one, image in batch}


def test_each_picture_is_drawn_from_its_own_references(backend, pictures):
    red, blue = pictures[1]
    found = drawn(backend, job("none"), job("red", red), job("blue", blue))
    assert abs(found["red"] - found["blue"]).mean() > 1
    assert abs(found["red"] - found["none"]).mean() > 1
    again = drawn(backend, job("blue", blue))
    assert np.abs(again["blue"] - found["blue"]).max() <= 1


def test_each_region_is_drawn_from_its_own_references(backend, pictures):
    red, blue = pictures[1]

    def regional(name, *shown):
        each = [Region("1girl, solo", "", place, one) for place, one in zip((-0.25, 0.25), shown, strict=True)]
        return replace(job(name), prompt="", regions=tuple(each))

    alone = replace(job("alone"), prompt="", regions=(Region("1girl, solo", "", 0.0, (red,)),))
    found = drawn(backend, alone, job("red", red))
    assert np.abs(found["alone"] - found["red"]).max() <= 1
    jobs = regional("none", (), ()), regional("left", (red,), ()), regional("both", (red,), (blue,))
    found |= {one.id: drawn(backend, one)[one.id] for one in jobs}
    left, right = slice(0, 30), slice(66, 96)
    first, second = abs(found["left"] - found["none"]), abs(found["both"] - found["left"])
    assert first[:, left].mean() > 3 * first[:, right].mean()
    assert second[:, right].mean() > 3 * second[:, left].mean()


def test_a_head_is_another_reference_than_its_picture(backend, pictures):
    folder, head = pictures[0], load("puppet").panel.composition["full body"]["head"]
    image = Image.new("RGB", (192, 192), (20, 20, 250))
    image.paste((250, 20, 20), tuple(round(192 * one) for one in head))
    image.save(folder / "body.png")
    whole = Reference("body.png", hashlib.sha256((folder / "body.png").read_bytes()).hexdigest(), 1.0)
    alone = head_of_reference(whole, "full body", folder, fake_panel_models(), load("puppet").panel)
    found = drawn(backend, job("whole", whole), job("head", alone))
    assert abs(found["whole"] - found["head"]).mean() > 1


def test_strength_and_number_count(backend, pictures):
    red, blue = pictures[1]
    found = drawn(backend, job("weak", replace(red, strength=0.2)), job("strong", red), job("both", red, blue))
    none = drawn(backend, job("none"))["none"]
    assert abs(found["weak"] - none).mean() < abs(found["strong"] - none).mean()
    assert abs(found["both"] - found["strong"]).mean() > 0.5


def test_without_references_the_base_draws_and_trains_as_without_the_adapter(backend, pictures, tmp_path):
    plain = DiffusersBackend(BASE, FEW_STEPS, "cpu")
    drawn(backend, job("red", pictures[1][0]))
    assert (drawn(backend, job("none"))["none"] == drawn(plain, job("none"))["none"]).all()
    recipe = load("puppet").base.recipes["style"].model_copy(update={"steps": 1, "batch_size": 1})
    items = [TrainItem(str(pictures[0] / "0.png"), ("rubychr",), "seed")]
    losses = [
        one.train(items, recipe, tmp_path / name, print).final_loss for name, one in (("a", backend), ("b", plain))
    ]
    assert losses[0] == losses[1]


def test_an_altered_reference_draws_nothing(backend, pictures):
    altered = replace(pictures[1][0], sha256="0" * 64)
    with pytest.raises(BackendError, match=r'reference ".*0\.png" was altered'):
        drawn(backend, job("red", altered))


def test_files_that_cannot_serve_are_told_before_anything_is_loaded(tmp_path):
    shutil.copy(ADAPTER / SETTINGS.file, tmp_path)
    with pytest.raises(BackendError, match='has no "image_encoder/config'):
        check_reference(SETTINGS, tmp_path, BASE)
    named = SETTINGS.model_copy(update={"file": "models/none.safetensors"})
    with pytest.raises(BackendError, match="hf download h94/IP-Adapter"):
        check_reference(named, embedded("h94/IP-Adapter"), BASE)
    shutil.copytree(ADAPTER / "image_encoder", tmp_path / "image_encoder")
    (tmp_path / "image_encoder/model.safetensors").unlink()
    with pytest.raises(BackendError, match='has no "image_encoder/model'):
        check_reference(SETTINGS, tmp_path, BASE)
    (tmp_path / "image_encoder/model.safetensors").touch()
    check_reference(SETTINGS, tmp_path, BASE)
    for text, said in (
        ('{"hidden_size": 1664}', "takes features of 256, the image encoder .* gives 1664"),
        ("[]", "no im"),
    ):
        (tmp_path / "image_encoder/config.json").write_text(text)
        with pytest.raises(BackendError, match=said):
            check_reference(SETTINGS, tmp_path, BASE)
    shutil.copy(BASE / "unet/diffusion_pytorch_model.safetensors", tmp_path / SETTINGS.file)
    with pytest.raises(BackendError, match="is no IP-Adapter"):
        check_reference(SETTINGS, tmp_path, BASE)


def test_an_adapter_of_another_architecture_is_told(tiny):
    with pytest.raises(BackendError, match="made for text states of 160, the base has"):
        check_reference(SETTINGS, ADAPTER, tiny)


def test_adapters_are_named_by_preset_or_file(tmp_path):
    assert reference_named("none") is None
    assert reference_named("sdxl-plus")["file"].startswith("sdxl_models/")
    own = reference_named(str(tmp_path / "my.safetensors"))
    assert (own["path"], own["file"], own["with_lora"]) == (str(tmp_path), "my.safetensors", True)
    with pytest.raises(ConfigError, match='configs/references has no "sd15plus"'):
        reference_named("sd15plus")


def test_where_a_base_offloads_the_adapter_is_on_the_device_only_while_it_draws(backend, pictures, monkeypatch):
    settings, moved, to = FEW_STEPS.model_copy(update={"offload": True}), [], torch.nn.Module.to
    small = DiffusersBackend(BASE, settings, "cpu", lambda base: LoadedReferences(base, ADAPTER, SETTINGS, pictures[0]))

    def watched(module, *where, **more):
        moved.append(type(module).__name__)
        return to(module, *where, **more)

    monkeypatch.setattr(torch.nn.Module, "to", watched)
    red = job("red", pictures[1][0])
    assert (drawn(small, red)["red"] == drawn(backend, red)["red"]).all()
    attentions = 4
    assert moved.count("IPAdapterAttnProcessor2_0") == 2 * attentions, "there and back"
    assert moved.count("MultiIPAdapterImageProjection") == 2


ATTENTION = SETTINGS.model_copy(update={"path": "", "file": "", "attention": 1.0})
BOTH = SETTINGS.model_copy(update={"attention": 1.0})


@pytest.mark.parametrize(("settings", "folder"), [(ATTENTION, None), (BOTH, ADAPTER)])
def test_attention_lets_each_picture_see_its_own_references(pictures, settings, folder):
    red, blue = pictures[1]
    attending = DiffusersBackend(
        BASE, FEW_STEPS, "cpu", lambda base: LoadedReferences(base, folder, settings, pictures[0])
    )
    none = drawn(attending, job("none"))["none"]
    found = drawn(attending, job("red", red), job("blue", blue), job("both", red, blue))
    assert min(abs(found["red"] - other).mean() for other in (none, found["blue"], found["both"])) > 0.5
    assert np.abs(drawn(attending, job("blue", blue))["blue"] - found["blue"]).max() <= 1
    weak = drawn(attending, job("weak", replace(red, strength=0.1)))["weak"]
    assert abs(weak - none).mean() < abs(found["red"] - none).mean()
    assert (drawn(attending, job("none"))["none"] == none).all(), "and without references as before"


def test_attention_as_strong_as_nothing_is_the_base_alone(pictures):
    """What is recorded joins the keys; with no weight on it, every self-attention computes what diffusers' does."""
    settings = ATTENTION.model_copy(update={"attention": 1e-30})
    attending = DiffusersBackend(
        BASE, FEW_STEPS, "cpu", lambda base: LoadedReferences(base, None, settings, pictures[0])
    )
    found = drawn(attending, job("red", pictures[1][0]))["red"]
    assert np.abs(found - drawn(attending, job("none"))["none"]).max() <= 1


@pytest.mark.parametrize("strengths", ["[0.7]", "[0.5,0.5]", "[0.5,5]", "[0,1]"])
def test_strengths_to_try_are_several_and_within_range(strengths):
    with pytest.raises(ConfigError, match=r"base\.reference"):
        load("puppet", overrides=[f"base.reference.strengths={strengths}"])


def test_references_need_an_adapter_or_attention():
    with pytest.raises(ConfigError, match="give path and file of an IP-Adapter, or attention above 0, or both"):
        load("sdxl", own={"base": {"reference": {"strength": 1.0}}})
    assert load("sdxl", own={"base": {"reference": reference_named("attention")}}).base.reference.attention == 1
