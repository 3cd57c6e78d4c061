"""Z-Image on tiny weights: drawn, trained, exported and read as its own pipeline and a hand-written loop do it."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from bootstrap.backends import prompts_chat
from bootstrap.backends.architectures import ARCHITECTURES, grammars
from bootstrap.backends.bases import check_base
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.lora import Lora, metadata_of, save_diffusers, save_kohya
from bootstrap.lora.foreign import read_any
from bootstrap.panel.judges import Judges
from bootstrap.records import Job, JobKind, Shot, TrainItem
from bootstrap.training.passes import Passes
from bootstrap.training.recipe import TrainRecipe
from loops import ranking
from tests.bootstrap.backends.test_klein import RUBY, SMALL

Z_IMAGE = ARCHITECTURES["z-image"]
SETTINGS = SamplingSettings(
    steps=2, guidance_scale=3.0, batch_size=2, width=64, height=64, dtype="float32", scheduler="euler"
)
RECIPE = TrainRecipe(rank=2, network_alpha=1, steps=2, batch_size=2, learning_rate=0.05, random_seed=3)
PLAIN = RECIPE.model_copy(update={"tag_dropout": 0.0, "caption_dropout": 0.0, "shuffle_caption": False})
COMFY = r"diffusion_model\.layers\.\d+\.(attention\.to_(q|k|v|out\.0)|feed_forward\.w[123])\.lora_[AB]\.weight"
"""The keys that ComfyUI looks for: ``diffusion_model.`` and diffusers' modules (comfy/lora.py at 17358c8)."""


@pytest.fixture(scope="module")
def z_image(tiny_z_image):
    return DiffusersBackend(tiny_z_image, SETTINGS, device="cpu")


@pytest.fixture
def items(tmp_path):
    Image.effect_noise((64, 64), 60).convert("RGB").save(tmp_path / "red.png")
    return [TrainItem(str(tmp_path / "red.png"), ("rubychr", "red"), "seed")]


def strong(backend):
    """A LoRA that changes much: random weights in every module."""
    random, pairs = np.random.default_rng(0), {}
    for name, module in backend.base.denoiser.named_modules():
        if re.fullmatch(Z_IMAGE.targets.denoiser, name):
            rows, columns = getattr(module, "base_layer", module).weight.shape
            down, up = random.normal(size=(2, columns)), random.normal(size=(rows, 2))
            pairs[name] = down.astype(np.float32), up.astype(np.float32)
    return Lora(pairs, 1.0, grammar=Z_IMAGE.grammar)


def jobs():
    shot = Shot("front", "front", "portrait")
    words = ["green hair, rubychr", "a much longer sentence of a girl with green hair"]
    return [Job(f"j{n}", JobKind.CANDIDATE, 1, 1, shot, words[n], "blurry", n, {}) for n in (0, 1)]


def drawn(backend, adapter=None):
    (batch,) = backend.draw(jobs(), adapter)
    return np.stack([np.asarray(image).astype(int) for _, image in batch])


def by_its_pipeline(folder, lora=None):
    """What diffusers' own pipeline draws, whose guidance of 2 is 3 to us."""
    from diffusers import ZImagePipeline

    pipe = ZImagePipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    if lora:
        pipe.load_lora_weights(lora.parent, weight_name=lora.name)
    generators = [torch.Generator().manual_seed(job.random_seed) for job in jobs()]
    options = {"num_inference_steps": 2, "guidance_scale": 2.0, "width": 64, "height": 64, "generator": generators}
    prompts, negatives = [job.prompt for job in jobs()], [job.negative for job in jobs()]
    images = pipe(prompt=prompts, negative_prompt=negatives, **options).images
    return np.stack([np.asarray(image).astype(int) for image in images])


def test_it_draws_what_its_own_pipeline_draws_with_and_without_a_lora(z_image, tiny_z_image, tmp_path):
    own, diffusers, lora = tmp_path / "own.safetensors", tmp_path / "diffusers.safetensors", strong(z_image)
    save_kohya(own, lora, {})
    save_diffusers(diffusers, lora)
    plain, changed = drawn(z_image), drawn(z_image, own)
    assert abs(plain - by_its_pipeline(tiny_z_image)).max() <= 1
    assert abs(plain - changed).max() > 5
    for file in (own, diffusers):
        assert abs(changed - by_its_pipeline(tiny_z_image, file)).max() <= 1
        found = read_any(file, grammars())
        assert (found.unknown, found.lora.grammar) == ((), Z_IMAGE.grammar)
        assert found.lora.modules.keys() == lora.modules.keys()


def test_its_loss_and_gradient_are_those_of_a_flow_written_by_hand(z_image, tiny_z_image, items):
    from diffusers import ZImagePipeline

    inputs = z_image.trainer.inputs(items, PLAIN)
    loss = Passes(inputs, items, PLAIN).loss(0)
    loss.backward()
    pipe = ZImagePipeline.from_pretrained(tiny_z_image)
    latents, random = torch.stack([inputs.latents[0]] * 2), torch.Generator().manual_seed(3 * 1_000_003)
    noise, uniform = torch.randn(latents.shape, generator=random), torch.rand(2, generator=random)
    times = 6 * uniform / (1 + 5 * uniform)  # the shift of its schedule
    share = times.view(-1, 1, 1, 1)
    noised = (1 - share) * latents + share * noise
    words, _ = pipe.encode_prompt(["rubychr, red"] * 2, do_classifier_free_guidance=False)
    found = pipe.transformer([one[:, None] for one in noised], 1 - times, words, return_dict=False)[0]
    wanted = ((torch.stack(list(found))[:, :, 0] - (latents - noise)) ** 2).mean()
    wanted.backward()
    assert torch.allclose(loss, wanted, atol=1e-5)
    for name in ("layers.0.attention.to_q", "layers.1.feed_forward.w2"):
        layer = z_image.base.denoiser.get_submodule(name)
        down, up = (getattr(layer, side)["character"].weight for side in ("lora_A", "lora_B"))
        whole = pipe.transformer.get_submodule(name).weight.grad
        # the second factor begins at 0, so its gradient is that of the whole weight through the first
        assert torch.allclose(up.grad, 0.5 * whole @ down.detach().T, rtol=1e-3, atol=1e-7)
        assert up.grad.abs().max() > 1e-6


def test_latents_are_shifted_and_scaled_as_its_pipeline_undoes_it(z_image):
    pixels, pipe = torch.rand(1, 3, 64, 64) * 2 - 1, z_image.base.pipe
    with torch.inference_mode():
        mean, _ = Z_IMAGE.latents.encode(pipe, pixels)
        plain = pipe.vae.encode(pixels).latent_dist.mean
        assert torch.allclose(mean / 0.3611 + 0.1159, plain, atol=1e-5)
        assert torch.allclose(Z_IMAGE.latents.decode(pipe, mean), pipe.vae.decode(plain).sample, atol=1e-5)
    assert mean.shape[1:] == Z_IMAGE.latents.shape(pipe, 64, 64)


def test_every_module_of_the_real_model_has_the_key_that_programs_look_for(tmp_path):
    from diffusers import ZImagePipeline, ZImageTransformer2DModel

    config = json.loads((Z_IMAGE.configs / "transformer" / "config.json").read_text())
    with torch.device("meta"):
        tree = ZImageTransformer2DModel.from_config(config)
    assert sum(weight.numel() for weight in tree.parameters()) == 6_154_908_736
    modules = Z_IMAGE.grammar.modules()[0]
    assert {name for name, _ in tree.named_modules() if re.fullmatch(Z_IMAGE.targets.denoiser, name)} == set(modules)
    pair = np.zeros((1, 3), np.float32), np.zeros((3, 1), np.float32)
    save_kohya(tmp_path / "x.safetensors", Lora(dict.fromkeys(modules, pair), 1.0, grammar=Z_IMAGE.grammar), {})
    keys = load_file(tmp_path / "x.safetensors").keys()
    assert all(re.fullmatch(COMFY, key) for key in keys)
    read = ZImagePipeline.lora_state_dict(tmp_path / "x.safetensors")
    assert {key.removeprefix("transformer.").rsplit(".lora_", 1)[0] for key in read} == set(modules)


def test_the_distilled_variant_is_refused_in_one_line(tiny_z_image, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(tiny_z_image, folder)
    file = folder / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"shift": 3.0}))
    with pytest.raises(BackendError, match="distilled to eight steps") as told:
        check_base(folder)
    assert told.value.hint.startswith("train on Tongyi-MAI/Z-Image;")


def test_a_training_leaves_a_file_that_names_its_architecture(z_image, items, tmp_path):
    recipe = RECIPE.model_copy(update={"gradient_checkpointing": True, "text_variants": 1, "rank": 3})
    trained = z_image.train(items, recipe, tmp_path / "w", lambda event: None)
    assert np.isfinite(trained.final_loss)
    stated = metadata_of(trained.path)
    assert (stated["modelspec.architecture"], stated["ss_base_model_version"]) == ("Z-Image/lora", "z_image")
    assert all(re.fullmatch(COMFY, key) for key in load_file(trained.path))
    assert drawn(z_image, trained.path).std() > 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers, its samplers
def test_a_run_on_it_ends_with_files_that_programs_read(tiny_z_image, call, tmp_path, monkeypatch):
    monkeypatch.setattr(prompts_chat, "LONGEST", 32)  # its language model takes most of the time
    monkeypatch.setattr(Judges, "failures", lambda self, values, traits_at=0.0: [])
    monkeypatch.setattr(ranking, "admitted", lambda candidates, ranks, kept, level: {f.job.id for f in candidates})
    run, own = tmp_path / "run", tmp_path / "own.yaml"
    own.write_text(SMALL.replace("goals: [1], rounds: 2", "goals: [], rounds: 1"), encoding="utf-8")
    done = call(
        "run", RUBY / "seed.png", RUBY / "character.json", "--base", tiny_z_image, "--config", own, "--out", run
    )
    assert done.code == 0, done.err
    (published,) = (run / "lora").glob("rubychr-*.safetensors")
    assert all(re.fullmatch(COMFY, key) for key in load_file(published))
    by_its_pipeline(tiny_z_image, published)
    by_its_pipeline(tiny_z_image, run / "lora" / "pytorch_lora_weights.safetensors")
