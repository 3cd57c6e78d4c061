"""SDXL's architecture: two text encoders, pooled states, size conditions; files that diffusers loads whole."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.config import shipped_base, shipped_names
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
LONG = ", ".join(["red hair, fox ears, green eyes, fair skin, smile, standing, forest, cel shading"] * 6)
OTHERS = ("puppet", "klein", "z-image")
"""Presets that are for no UNet of Stable Diffusion."""


def pixels(backend, prompts=("green hair, rubychr",), adapter=None):
    jobs = [Job(f"j{n}", JobKind.CANDIDATE, 1, 1, SHOT, prompt, "", 1, {}) for n, prompt in enumerate(prompts)]
    return [np.asarray(image).astype(int) for batch in backend.draw(jobs, adapter) for _, image in batch]


def silent(event):
    pass


@pytest.fixture(scope="module")
def backend(tiny_xl):
    return DiffusersBackend(tiny_xl, SETTINGS, device="cpu")


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    found = []
    for name, size in (("red", (32, 32)), ("blue", (64, 96)), ("green", (96, 48))):
        Image.new("RGB", size, name).save(folder / f"{name}.png")
        found.append(TrainItem(str(folder / f"{name}.png"), ("rubychr", name), "seed"))
    return found


@pytest.fixture(scope="module")
def path(backend, items, tmp_path_factory):
    return backend.train(items, RECIPE, tmp_path_factory.mktemp("with-text"), silent).path


@pytest.mark.filterwarnings("ignore")
def test_a_picture_is_the_one_that_diffusers_draws(backend, tiny_xl):
    from diffusers import DDIMScheduler, StableDiffusionXLPipeline

    pipe = StableDiffusionXLPipeline.from_pretrained(tiny_xl, add_watermarker=False)
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
    pipe.set_progress_bar_config(disable=True)
    noise = torch.randn((1, 4, 8, 8), generator=torch.Generator("cpu").manual_seed(1))
    theirs = pipe(
        "green hair", negative_prompt="", latents=noise, num_inference_steps=2, guidance_scale=2.0, width=32, height=32
    ).images[0]
    assert abs(pixels(backend, ["green hair"])[0] - np.asarray(theirs)).max() <= 1


def test_long_prompts_lose_no_word_and_do_not_change_their_neighbours(backend):
    alone, long = pixels(backend, ["red hair"]), pixels(backend, [f"{LONG}, blue hair", "red hair"])
    assert abs(alone[0] - long[1]).max() <= 1
    assert (long[0] != pixels(backend, [LONG, "red hair"])[0]).any()
    text = backend.base.prompts.encode(["red hair", LONG])
    assert text.states.shape[2] == 96
    assert text.pooled.shape == (2, 64)
    live = backend.base.prompts.encode_with_gradients(["red hair", LONG])
    assert torch.allclose(text.states, live.states, atol=1e-5)
    assert torch.allclose(text.pooled, live.pooled, atol=1e-5)


def test_training_is_conditioned_on_the_size_of_each_picture(backend, items):
    sizes = []

    def listen(module, arguments, named):
        sizes.extend(named["added_cond_kwargs"]["time_ids"].tolist())

    inputs = backend.trainer.inputs(items, RECIPE.model_copy(update={"text_encoder": False}))
    hook = backend.base.denoiser.register_forward_pre_hook(listen, with_kwargs=True)
    inputs.predict(torch.zeros(2, 4, 8, 8), torch.zeros(2, dtype=torch.long), ["a", "b"], [1, 2])
    hook.remove()
    assert sizes == [[96, 64, 8, 0, 32, 32], [48, 96, 0, 16, 32, 32]]


def test_pictures_keep_their_shape_in_buckets(backend, items, tmp_path):
    recipe = RECIPE.model_copy(update={"enable_bucket": True, "bucket_reso_steps": 8})
    inputs = backend.trainer.inputs(items, recipe)
    assert [tuple(latents.shape[1:]) for latents in inputs.latents] == [(8, 8), (10, 6), (6, 10)]
    assert np.isfinite(backend.train(items, recipe, tmp_path, silent).final_loss)


def test_a_recipe_sets_the_pixels_of_training_and_buckets_follow(backend, items, tmp_path):
    recipe = RECIPE.model_copy(update={"resolution": 48, "text_encoder": False})
    plain = backend.trainer.inputs(items, recipe)
    assert {tuple(latents.shape[1:]) for latents in plain.latents} == {(12, 12)}
    in_buckets = recipe.model_copy(update={"enable_bucket": True, "bucket_reso_steps": 8})
    inputs = backend.trainer.inputs(items, in_buckets)
    assert [tuple(latents.shape[1:]) for latents in inputs.latents] == [(12, 12), (14, 10), (8, 16)]
    trained = backend.train(items, recipe, tmp_path, silent)
    assert np.isfinite(trained.final_loss)
    assert metadata_of(trained.path)["ss_resolution"] == "(48, 48)"


def test_its_file_has_the_names_of_sd_scripts_and_says_what_it_is(path):
    tensors, facts = load_file(path), metadata_of(path)
    assert {key.split("_")[1] for key in tensors} == {"unet", "te1", "te2"}
    blocks = {key.split("_")[2] for key in tensors if key.startswith("lora_unet_")}
    assert blocks == {"input", "middle", "output"}
    assert all("_text_model_encoder_layers_" in key for key in tensors if key.startswith("lora_te"))
    assert facts["ss_base_model_version"] == "sdxl_base_v1-0"
    assert facts["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"


@pytest.mark.filterwarnings("ignore")
def test_diffusers_applies_both_files_alike_and_as_we_do(backend, path, tmp_path, tiny_xl):
    from diffusers import StableDiffusionXLPipeline

    parts = ("unet", "text_encoder", "text_encoder_2")
    lora = backend.adapter.load(path)
    save_diffusers(tmp_path / "pytorch_lora_weights.safetensors", lora)
    for folder, name in ((path.parent, path.name), (tmp_path, "pytorch_lora_weights.safetensors")):
        pipe = StableDiffusionXLPipeline.from_pretrained(tiny_xl, add_watermarker=False)
        plain = {part: {n: w.clone() for n, w in getattr(pipe, part).named_parameters()} for part in parts}
        pipe.load_lora_weights(folder, weight_name=name)
        pipe.fuse_lora()
        for part, pairs in zip(parts, lora.parts, strict=True):
            named = getattr(pipe, part).named_parameters()
            fused = {n.replace(".base_layer", ""): w for n, w in named if "lora_" not in n}
            changed = {n: fused[n] - w for n, w in plain[part].items() if not torch.equal(fused[n], w)}
            ours = {f"{n}.weight": torch.from_numpy(up @ down) * 0.5 for n, (down, up) in pairs.items()}
            trained = {n for n, change in ours.items() if change.any()}  # SDXL does not look at the last layer of te1
            assert set(changed) == trained, part
            assert len(trained) == len(ours) * (0.5 if part == "text_encoder" else 1)
            assert all(torch.allclose(changed[n], ours[n], atol=1e-6) for n in trained)


def test_an_adapter_comes_off_without_a_trace_in_the_next(backend, items, path, tmp_path):
    before = pixels(backend)
    attached = pixels(backend, adapter=path)
    assert (attached[0] != before[0]).any()
    without_text = backend.train(items, RECIPE.model_copy(update={"text_encoder": False}), tmp_path, silent).path
    assert not any(key.startswith("lora_te") for key in load_file(without_text))
    assert "te1" not in json.loads(metadata_of(without_text)["bootstrap.modules"])
    pixels(backend, adapter=without_text)
    assert (pixels(backend, adapter=path)[0] == attached[0]).all()
    assert (pixels(backend)[0] == before[0]).all()


def test_clip_skip_counts_from_the_layer_before_the_last(backend, tiny_xl):
    skipping = DiffusersBackend(tiny_xl, SETTINGS.model_copy(update={"clip_skip": 1}), device="cpu")
    plain, skipped = (one.base.prompts.encode(["green hair"]) for one in (backend, skipping))
    assert not torch.allclose(plain.states, skipped.states)
    assert torch.equal(plain.pooled, skipped.pooled)


def test_the_vae_stays_in_float32_and_the_rest_is_loaded_as_asked(tiny_xl, items, tmp_path):
    half = DiffusersBackend(tiny_xl, SETTINGS.model_copy(update={"dtype": "bfloat16"}), device="cpu")
    parts = ("unet", "text_encoder", "text_encoder_2", "vae")
    held = {part: next(getattr(half.base.pipe, part).parameters()).dtype for part in parts}
    assert held == {**dict.fromkeys(parts, torch.bfloat16), "vae": torch.float32}
    trained = half.train(items, RECIPE, tmp_path, silent)
    assert np.isfinite(trained.final_loss)
    assert pixels(half, adapter=trained.path)[0].std() > 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers 0.42 with numpy 2
@pytest.mark.parametrize("scheduler", ["ddim", "dpm++", "dpm++_karras", "euler", "euler_a"])
def test_every_sampler_draws_velocity_down_to_pure_noise(tiny_xl, scheduler):
    changes = {"scheduler": scheduler, "prediction_type": "v_prediction", "zero_terminal_snr": True}
    sampler = DiffusersBackend(tiny_xl, SETTINGS.model_copy(update={**changes, "guidance_rescale": 0.7}), device="cpu")
    assert float(sampler.base.pipe.scheduler.alphas_cumprod[-1]) == 0
    assert sampler.base.pipe.scheduler.config.timestep_spacing == "trailing"
    assert pixels(sampler)[0].std() > 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", [name for name in shipped_names("base") if name not in OTHERS])
def test_the_settings_of_every_preset_draw_and_train(tiny, tiny_xl, items, tmp_path, name):
    base = shipped_base(name)
    small = {"width": 32, "height": 32, "steps": 2, "dtype": "float32"}
    model = tiny if name.startswith("sd15") else tiny_xl
    backend = DiffusersBackend(model, base.sampling.model_copy(update=small), device="cpu")
    recipe = base.recipes["character"].model_copy(update={"steps": 2, "rank": 2, "bucket_reso_steps": 8})
    trained = backend.train(items, recipe, tmp_path, silent)
    assert np.isfinite(trained.final_loss)
    assert pixels(backend, adapter=trained.path)[0].std() > 0
