import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from safetensors.torch import load_file

from bootstrap.backends.adapters import Slot
from bootstrap.backends.architectures.sd1 import SD1
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.latents import EncodedPictures
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError, Interrupted
from bootstrap.lora import metadata_of, save_diffusers
from bootstrap.lora.network import Network
from bootstrap.records import Job, JobKind, Reference, Shot, TrainItem
from bootstrap.training.recipe import TrainRecipe

SETTINGS = SamplingSettings(steps=3, guidance_scale=2.0, batch_size=3, width=32, height=32)
RECIPE = TrainRecipe(
    rank=4, network_alpha=2, steps=4, batch_size=2, checkpoint_every=2, learning_rate=0.01, random_seed=3
)
SHOT = Shot(
    "front",
    "front",
    "portrait",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)


def job(seed, prompt="green hair, rubychr"):
    return Job(f"j{seed}", JobKind.CANDIDATE, 1, 1, SHOT, prompt, "", seed, {})


def pixels(backend, jobs, adapter=None):
    return [np.asarray(image) for batch in backend.draw(jobs, adapter) for _, image in batch]


@pytest.fixture(scope="module")
def backend(tiny):
    return DiffusersBackend(tiny, SETTINGS, device="cpu")


@pytest.fixture
def items(tmp_path):
    found = []
    for n, color in enumerate(("red", "green", "blue")):
        Image.new("RGB", (40, 40), color).save(tmp_path / f"{n}.png")
        found.append(TrainItem(str(tmp_path / f"{n}.png"), ("rubychr", color, "from front"), "seed"))
    return found


def test_a_picture_depends_on_its_job_alone_and_is_always_the_same(backend):
    first = pixels(backend, [job(1), job(2), job(3), job(4)])
    again = pixels(backend, [job(1), job(2), job(3), job(4)])
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[0] != first[1]).any()
    assert first[0].shape == (32, 32, 3)


def test_an_adapter_changes_pictures_and_comes_off_without_a_trace(backend, items, tmp_path):
    before = pixels(backend, [job(1)])
    trained = backend.train(items, RECIPE, tmp_path / "w", lambda event: None)
    attached = pixels(backend, [job(1)], trained.path)
    assert (attached[0] != before[0]).any()
    assert (pixels(backend, [job(1)])[0] == before[0]).all()
    assert (pixels(backend, [job(1)], trained.path)[0] == attached[0]).all()


def test_a_training_killed_at_any_step_ends_with_the_same_weights(backend, items, tmp_path):
    whole = load_file(backend.train(items, RECIPE, tmp_path / "whole", lambda event: None).path)

    class KilledError(Exception):
        pass

    def kill(event):
        raise KilledError

    with pytest.raises(KilledError):
        backend.train(items, RECIPE, tmp_path / "cut", kill)
    continued = load_file(backend.train(items, RECIPE, tmp_path / "cut", lambda event: None).path)
    assert whole.keys() == continued.keys()
    assert all(torch.equal(whole[key], continued[key]) for key in whole)


def test_a_killed_training_takes_up_its_checkpoint(backend, items, tmp_path):
    seen = []
    long = RECIPE.model_copy(update={"steps": 12, "checkpoint_every": 4})

    def stop_at_ten(event):
        seen.append(event.done)
        if event.done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backend.train(items, long, tmp_path / "cut", stop_at_ten)
    seen.clear()
    cut = load_file(backend.train(items, long, tmp_path / "cut", lambda event: seen.append(event.done)).path)
    whole = load_file(backend.train(items, long, tmp_path / "whole", lambda event: None).path)
    assert seen == [10, 12]  # the steps before the checkpoint are not done again
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_the_kohya_file_has_the_grammar_that_user_interfaces_read(backend, items, tmp_path):
    path = backend.train(items, RECIPE, tmp_path / "w", lambda event: None).path
    tensors, facts = load_file(path), metadata_of(path)
    assert all(key.startswith("lora_unet_") for key in tensors)
    assert {key.split(".", 1)[1] for key in tensors} == {"lora_down.weight", "lora_up.weight", "alpha"}
    assert {float(value) for key, value in tensors.items() if key.endswith(".alpha")} == {2.0}
    assert facts["ss_network_dim"] == "4"
    assert facts["ss_network_alpha"] == "2.0"
    assert facts["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert facts["modelspec.trigger_phrase"] == "rubychr"
    assert json.loads(facts["bootstrap.training"])["rank"] == 4
    assert len(facts["sshs_model_hash"]) == 64


@pytest.mark.filterwarnings("ignore")
def test_diffusers_loads_both_files_with_the_same_effect(backend, items, tmp_path, tiny):
    from diffusers import StableDiffusionPipeline

    path = backend.train(items, RECIPE, tmp_path / "w", lambda event: None).path
    modules = json.loads(metadata_of(path)["bootstrap.modules"]).values()
    save_diffusers(tmp_path / "d" / "pytorch_lora_weights.safetensors", backend.adapter.load(path))
    effects = []
    for folder, name in ((path.parent, path.name), (tmp_path / "d", "pytorch_lora_weights.safetensors")):
        pipe = StableDiffusionPipeline.from_pretrained(tiny, safety_checker=None, requires_safety_checker=False)
        plain = {name: weight.clone() for name, weight in pipe.unet.named_parameters()}
        pipe.load_lora_weights(folder, weight_name=name)
        pipe.fuse_lora()
        fused = {n.replace(".base_layer", ""): w for n, w in pipe.unet.named_parameters() if "lora_" not in n}
        effects.append({name: fused[name] - weight for name, weight in plain.items()})
    kohya, ours = effects
    assert sum(float(change.abs().sum()) > 0 for change in kohya.values()) == len(list(modules))
    assert all(torch.allclose(kohya[name], ours[name], atol=1e-6) for name in kohya)


def test_a_blend_of_one_lora_draws_as_it_does_and_weight_nothing_is_the_base(backend, items, tmp_path):
    one = backend.train(items, RECIPE, tmp_path / "one", lambda event: None).path
    other = backend.train(items[:1], RECIPE, tmp_path / "other", lambda event: None).path
    shown = {}
    for name, parts in {"whole": [(one, 1.0)], "half": [(one, 0.5)], "none": [(one, 0.0), (other, 0.0)],
                        "both": [(one, 1.0), (other, 8.0)]}.items():  # fmt: skip
        backend.blend(parts, tmp_path / f"{name}.safetensors")
        shown[name] = pixels(backend, [job(1)], tmp_path / f"{name}.safetensors")[0].astype(int)
    attached, base = (pixels(backend, [job(1)], path)[0].astype(int) for path in (one, None))
    assert abs(shown["whole"] - attached).max() <= 1
    assert abs(shown["none"] - base).max() <= 1
    assert abs(shown["both"] - attached).max() > 1
    assert 0 < abs(shown["half"] - base).mean() < abs(attached - base).mean()


def test_a_folder_without_a_model_and_a_foreign_lora_are_told(backend, tmp_path):
    with pytest.raises(BackendError, match=r"model_index\.json"):
        DiffusersBackend(tmp_path, SETTINGS)
    (tmp_path / "x.safetensors").write_bytes(b"no")
    with pytest.raises(BackendError, match="no LoRA that can be read"):
        pixels(backend, [job(1)], tmp_path / "x.safetensors")


def test_clip_skip_takes_an_earlier_layer_and_text_states_do_not_depend_on_neighbours(backend, tiny):
    skipping = DiffusersBackend(tiny, SETTINGS.model_copy(update={"clip_skip": 1}), device="cpu")
    alone, together = (
        backend.base.prompts.encode(words).states for words in (["green hair"], ["red hair", "green hair"])
    )
    assert torch.equal(alone[0], together[1])
    skipped = skipping.base.prompts.encode(["green hair"]).states
    assert alone.shape == skipped.shape
    assert not torch.allclose(alone, skipped)


def test_another_base_of_equal_size_has_another_fingerprint(backend, tiny, tmp_path):
    shutil.copytree(tiny, tmp_path / "other")
    weights = tmp_path / "other" / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert DiffusersBackend(tmp_path / "other", SETTINGS, device="cpu").fingerprint != backend.fingerprint


def test_a_loss_that_is_not_finite_ends_the_training_in_one_line(backend, items, tmp_path, monkeypatch):
    nothing = EncodedPictures(torch.full((3, 4, 8, 8), torch.nan), (), (), ["", "", ""])
    monkeypatch.setattr("bootstrap.backends.lora_trainer.encode_pictures", lambda *given: nothing)
    with pytest.raises(BackendError, match="not finite"):
        backend.train(items, RECIPE, tmp_path / "nan", lambda event: None)
    assert not (tmp_path / "nan" / "adapter.safetensors").exists()


def test_a_wish_to_stop_keeps_every_step_that_was_done(backend, items, tmp_path):
    long, seen = RECIPE.model_copy(update={"steps": 8, "checkpoint_every": 100}), []

    def stop(event):
        raise Interrupted

    with pytest.raises(Interrupted):
        backend.train(items, long, tmp_path / "cut", stop)
    cut = load_file(backend.train(items, long, tmp_path / "cut", lambda event: seen.append(event.done)).path)
    whole = load_file(backend.train(items, long, tmp_path / "whole", lambda event: None).path)
    assert seen == [8]
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers 0.42 with numpy 2
@pytest.mark.parametrize("scheduler", ["ddim", "dpm++", "dpm++_karras", "euler", "euler_a"])
def test_every_sampler_draws(tiny, scheduler):
    sampler = DiffusersBackend(tiny, SETTINGS.model_copy(update={"scheduler": scheduler}), device="cpu")
    alone, together = pixels(sampler, [job(1)]), pixels(sampler, [job(1), job(2)])
    assert alone[0].std() > 0
    assert abs(alone[0].astype(int) - together[0]).max() <= 1  # its noise is its own, also on the way


def test_memory_that_runs_out_is_told_with_what_to_lower(backend, monkeypatch):
    def fail(*args, **named):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr("bootstrap.backends.drawing.denoise", fail)
    with pytest.raises(BackendError, match="batch_size"):
        pixels(backend, [job(1)])


def test_tiles_are_used_once_and_only_for_pictures_larger_than_one(tiny, monkeypatch):
    backend = DiffusersBackend(tiny, SETTINGS, device="cpu")
    assert not backend.use_tiles(), "the picture is one tile"
    monkeypatch.setattr("bootstrap.backends.diffusers.TILE", SETTINGS.width // 2)
    assert backend.use_tiles()
    assert backend.base.pipe.vae.use_tiling
    assert not backend.use_tiles()


def test_an_adapter_of_another_rank_takes_the_place_of_the_first():
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=32,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    slot = Slot(unet, SD1.targets.denoiser)
    slot.begin(Network("lora", 2, 2.0), random_seed=1)
    weights = slot.begin(Network("lora", 4, 4.0), random_seed=1)  # a warning of peft would fail this test
    assert {weight.shape[0] for weight in weights[::2]} == {4}
    assert len(slot.weights()) == len(slot.modules)


def test_a_job_with_references_is_refused_in_one_line(backend):
    with_reference = replace(job(1), references=(Reference("seeds/a.png", "ab" * 32),))
    with pytest.raises(BackendError, match='drawer "diffusers" cannot use the references of job "j1"; choose'):
        pixels(backend, [job(2), with_reference])
