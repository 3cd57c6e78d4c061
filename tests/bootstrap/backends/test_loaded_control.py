"""Control pictures: a real ControlNet on tiny bases draws what diffusers draws, and wrong files are told in a line."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bootstrap.backends.control_files import check_control
from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.loaded_control import LoadedControl
from bootstrap.backends.loaded_references import LoadedReferences
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.backends.regularisation import NO_SHOT
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.shapes import shape_of
from bootstrap.config import control_named, load
from bootstrap.errors import BackendError, ConfigError
from bootstrap.records import Job, JobKind, Reference
from bootstrap.runs.run_models import check_base_files

SAMPLING = SamplingSettings(steps=3, guidance_scale=3.0, batch_size=4, width=32, height=32, dtype="float32")
SETTINGS = ControlSettings(path="net", kind="openpose")
LONG = "1girl, solo, " * 40


@pytest.fixture(scope="module")
def folders(tiny, tiny_xl, tmp_path_factory):
    """A ControlNet for each tiny base, with residuals that are not zero."""
    from diffusers import ControlNetModel, UNet2DConditionModel

    torch.manual_seed(0)
    found = {}
    for name, base in (("sd1", tiny), ("sdxl", tiny_xl)):
        unet = UNet2DConditionModel.from_pretrained(base / "unet")
        net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 32, 64))
        for weight in net.parameters():
            torch.nn.init.normal_(weight, std=0.1)
        found[name] = base, tmp_path_factory.mktemp(f"{name}-openpose")
        net.save_pretrained(found[name][1])
    return found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with two control pictures, and the references to them."""
    torch.set_num_threads(1)
    folder, found = tmp_path_factory.mktemp("pictures"), []
    for name, color in (("red.png", (250, 20, 20)), ("blue.png", (20, 20, 250))):
        Image.new("RGB", (64, 64), color).save(folder / name)
        found.append(Reference(name, hashlib.sha256((folder / name).read_bytes()).hexdigest(), 0.8))
    return folder, found


@pytest.fixture(scope="module")
def plain(folders):
    return DiffusersBackend(folders["sd1"][0], SAMPLING, "cpu")


@pytest.fixture(scope="module")
def controlled(folders, pictures):
    return backend(folders, pictures)


def backend(folders, pictures, name="sd1", **changes):
    base, net = folders[name]
    settings = SETTINGS.model_copy(update=changes)
    return DiffusersBackend(base, SAMPLING, "cpu", control=lambda base: LoadedControl(base, net, settings, pictures[0]))


def job(name, control=None, prompt="1girl, solo"):
    return Job(name, JobKind.CANDIDATE, 1, 1, NO_SHOT, prompt, "green", 7, {}, (), control)


def drawn(backend, *jobs):
    return {one.id: np.asarray(image, int) for batch in backend.draw(jobs, None) for one, image in batch}


@pytest.mark.parametrize(("name", "pipeline"), [("sd1", "StableDiffusion"), ("sdxl", "StableDiffusionXL")])
def test_it_draws_what_diffusers_own_pipeline_draws(folders, pictures, name, pipeline):
    import diffusers

    base, net = folders[name]
    ours = drawn(backend(folders, pictures, name, end=0.7), job("red", pictures[1][0]))["red"]
    kind = getattr(diffusers, f"{pipeline}ControlNetPipeline")
    theirs = kind.from_pretrained(base, controlnet=diffusers.ControlNetModel.from_pretrained(net))
    theirs.set_progress_bar_config(disable=True)
    theirs.scheduler = diffusers.DDIMScheduler.from_config(theirs.scheduler.config, clip_sample=False)
    with Image.open(pictures[0] / "red.png") as opened:
        picture = opened.copy()
    picture = theirs(
        "1girl, solo",
        image=picture,
        negative_prompt="green",
        num_inference_steps=3,
        guidance_scale=3.0,
        controlnet_conditioning_scale=0.8,
        control_guidance_end=0.7,
        generator=torch.Generator().manual_seed(7),
        height=32,
        width=32,
    ).images[0]
    assert np.abs(ours - np.asarray(picture, int)).max() <= 1


def test_each_picture_follows_its_own_and_the_others_are_drawn_by_words(plain, controlled, pictures):
    red, blue = pictures[1]
    found = drawn(controlled, job("none"), job("red", red), job("blue", blue), job("weak", replace(red, strength=0.1)))
    assert len({one.tobytes() for one in found.values()}) == 4
    by_words = drawn(plain, job("none"))["none"]
    assert np.abs(found["none"] - by_words).max() <= 1
    assert np.abs(found["weak"] - by_words).mean() < np.abs(found["red"] - by_words).mean()
    assert np.abs(found["blue"] - drawn(controlled, job("blue", blue))["blue"]).max() <= 1


def test_a_prompt_of_other_length_beside_it_changes_nothing(controlled, pictures):
    red = pictures[1][0]
    alone = drawn(controlled, job("red", red))["red"]
    beside = drawn(controlled, job("long", red, LONG), job("red", red))["red"]
    assert np.abs(alone - beside).max() <= 1


def test_a_control_picture_has_the_shape_of_its_picture(folders, pictures):
    base, net = folders["sd1"]
    tall = SAMPLING.model_copy(update={"width": 128, "height": 128, "steps": 1, "shapes": {"portrait": ((1, 2),)}})
    drawer = DiffusersBackend(base, tall, "cpu", control=lambda base: LoadedControl(base, net, SETTINGS, pictures[0]))
    led = replace(job("tall", pictures[1][0]), shot=replace(NO_SHOT, framing="portrait"))
    ((_, image),) = next(drawer.draw([led], None))
    assert image.size == shape_of(tall, led)
    assert image.width < image.height


def test_references_and_control_pictures_work_together(folders, pictures):
    base, net = folders["sd1"]
    folder, (red, blue) = pictures
    both = DiffusersBackend(
        base,
        SAMPLING,
        "cpu",
        references=lambda base: LoadedReferences(base, None, ReferenceSettings(attention=1.0), folder),
        control=lambda base: LoadedControl(base, net, SETTINGS, folder),
    )
    shown = replace(job("shown"), references=(blue,))
    found = drawn(both, job("none"), shown, job("led", red), replace(shown, id="both", control=red))
    assert len({one.tobytes() for one in found.values()}) == 4


def test_it_is_heeded_between_its_steps_only(plain, folders, pictures):
    never = drawn(backend(folders, pictures, start=0.7, end=0.9), job("red", pictures[1][0]))["red"]
    assert (drawn(plain, job("red"))["red"] == never).all()


def test_pictures_along_another_net_are_not_comparable(plain, controlled, folders, pictures, tmp_path):
    from diffusers import ControlNetModel

    net = ControlNetModel.from_pretrained(folders["sd1"][1])
    torch.nn.init.zeros_(net.controlnet_mid_block.weight)
    net.save_pretrained(tmp_path)
    other = backend({"sd1": (folders["sd1"][0], tmp_path)}, pictures)
    assert len({plain.fingerprint, controlled.fingerprint, other.fingerprint}) == 3
    other.close()


def test_lost_and_altered_pictures_and_drawers_without_a_net_draw_nothing(plain, controlled, pictures):
    red = pictures[1][0]
    for wrong, said in ((replace(red, path="gone.png"), "is missing"), (replace(red, sha256="0" * 64), "was altered")):
        with pytest.raises(BackendError, match=f'control picture ".*" {said}'):
            drawn(controlled, job("red", wrong))
    with pytest.raises(BackendError, match='cannot use the control picture of job "red"'):
        drawn(plain, job("red", red))


def test_files_that_cannot_serve_are_told_before_anything_is_loaded(folders, tmp_path, tiny):
    base, net = folders["sd1"]
    assert check_control(net, base) == net
    with pytest.raises(BackendError, match="is made for text states of 96, the base has 32"):
        check_control(folders["sdxl"][1], base)
    config = json.loads((net / "config.json").read_text())
    for change, said in (
        ({"_class_name": "ControlNetUnionModel"}, 'holds a "ControlNetUnionModel", not a ControlNetModel'),
        ({"conditioning_channels": 1}, "takes control pictures of 1 channels"),
        ({"block_out_channels": [320, 640]}, r"blocks of \[320, 640\] channels"),
        ({}, "has no weights"),
    ):
        folder = tmp_path / said[:9]
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config | change))
        if change:
            (folder / "x.safetensors").touch()
        with pytest.raises(BackendError, match=said):
            check_control(folder, base)
    (folder / "config.json").write_text("[")
    with pytest.raises(BackendError, match=r"has no weights|cannot be read"):
        check_control(folder, base)
    named = tmp_path.parent / "owner" / "absent"
    with pytest.raises(BackendError, match=r'has no "config\.json"'):
        check_control(named, base)
    puppet = load("puppet", own={"base": {"control": control_named("sd15-openpose")}})
    with pytest.raises(BackendError, match='embedded base "puppet" has no ControlNet'):
        check_base_files(puppet.base)
    own = load("sd15", own={"base": {"path": str(tiny), "control": control_named("sd15-openpose")}})
    with pytest.raises(BackendError) as told:
        check_base_files(own.base)
    assert told.value.hint.startswith("hf download lllyasviel/control_v11p_sd15_openpose fetches it, or draw without")


def test_a_net_is_found_in_the_cache_by_its_id(folders, tmp_path, monkeypatch, call):
    base, net = folders["sd1"]
    settings = control_named("sd15-openpose")
    home = tmp_path / f"models--{settings['path'].replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("1")
    shutil.copytree(net, home / "snapshots" / "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    check_base_files(load("sd15", own={"base": {"path": str(base), "control": settings}}).base)
    said = call("doctor")
    assert "control    sd15-openpose: usable" in said.out
    assert 'control    sdxl-openpose: no "config.json" (hf download xinsir/' in said.out


def test_control_nets_are_named_by_preset_file_or_folder(folders, tmp_path):
    assert control_named("none") is None
    assert control_named("sdxl-openpose")["path"] == "xinsir/controlnet-openpose-sdxl-1.0"
    own = control_named(str(folders["sd1"][1]))
    assert (own["kind"], own["view_families"]) == ("openpose", ("behind", "above", "below"))
    with pytest.raises(ConfigError, match="holds no ControlNet"):
        control_named(str(tmp_path))
    for name, said in (("net", "does not say what its control pictures are"), ("my-depth", "none are drawn for depth")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
        with pytest.raises(ConfigError, match=said):
            control_named(str(tmp_path / name))
    with pytest.raises(ConfigError, match='configs/controls has no "openpose"'):
        control_named("openpose")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("kind=depth", "names no folder"),
        ("start=1", "less than 1"),
        ("start=0.8", None),
        ("view_families=[sideways]", "no view family 'sideways'"),
    ],
)
def test_settings_that_cannot_work_are_one_line(change, said):
    own = {"base": {"control": control_named("sd15-openpose") | {"end": 0.8}}}
    with pytest.raises(ConfigError, match=said or "must lie below control.end"):
        load("sd15", own=own, overrides=[f"base.control.{change}"])
