"""An architecture from one file of its own, without a change to ours: drawn with, trained, read back, used by a run."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from bootstrap.backends.architectures import ARCHITECTURES, grammars
from bootstrap.backends.bases import check_base, denoiser_weights
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.presets import identify
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.lora import metadata_of
from bootstrap.lora.foreign import read_any
from bootstrap.panel.judges import Judges
from bootstrap.records import Job, JobKind, Shot, TrainItem
from bootstrap.store.store import Store
from bootstrap.training.recipe import TrainRecipe
from loops import ranking

HERE = Path(__file__).parent
RUBY = HERE.parents[2] / "configs" / "characters" / "ruby"
SETTINGS = SamplingSettings(steps=3, guidance_scale=2.0, batch_size=2, width=32, height=32, dtype="float32")
RECIPE = TrainRecipe(rank=2, network_alpha=1, steps=3, batch_size=2, learning_rate=0.05, random_seed=3)
SMALL = """
panel: puppet
loop: {target: 2, goals: [1], rounds: 2, waves: 1, lookalikes: 2, most_decoys: 2, candidates_a_place: 2,
  final_candidates: 1, showcase: 1, acceptance: {weights: [0.8], unseen: 0}}
base:
  reference: null
  sampling: {steps: 2, batch_size: 4, width: 32, height: 32}
  minimum_steps: 2
  recipes: {style: {steps: 2, batch_size: 2}, character: {steps: 2, batch_size: 2}}
"""


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def toy():
    return loaded("toy_architecture")


@pytest.fixture
def in_table(toy, monkeypatch):
    """The toy's line in the table."""
    monkeypatch.setitem(ARCHITECTURES, "toy", toy.TOY)
    monkeypatch.setattr("diffusers.ToyPipeline", toy.ToyPipeline, raising=False)
    return toy.TOY


@pytest.fixture(scope="module")
def base(toy, tiny, tmp_path_factory):
    """A folder of the toy: a denoiser of its own, and the other parts of the tiny Stable Diffusion."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("toy")
    vae = AutoencoderKL.from_pretrained(tiny, subfolder="vae")
    text = CLIPTextModel.from_pretrained(tiny, subfolder="text_encoder")
    tokenizer = CLIPTokenizer.from_pretrained(tiny, subfolder="tokenizer")
    toy.ToyPipeline(toy.mover(), vae, text, tokenizer, toy.FlowMatchEulerDiscreteScheduler()).save_pretrained(folder)
    return folder


@pytest.fixture
def items(tmp_path):
    found = []
    for name in ("red", "blue"):
        Image.effect_noise((32, 32), 60).convert("RGB").save(tmp_path / f"{name}.png")
        found.append(TrainItem(str(tmp_path / f"{name}.png"), ("rubychr", name), "seed"))
    return found


def pixels(backend, adapter=None):
    job = Job("j", JobKind.CANDIDATE, 1, 1, Shot("front", "front", "portrait"), "green hair, rubychr", "", 1, {})
    ((_, image),) = next(iter(backend.draw([job], adapter)))
    return np.asarray(image).astype(int)


def test_a_folder_is_no_base_before_the_table_names_it_and_one_after(toy, base, monkeypatch):
    with pytest.raises(BackendError, match='"ToyPipeline", not a StableDiffusionPipeline or'):
        check_base(base)
    monkeypatch.setitem(ARCHITECTURES, "toy", toy.TOY)
    assert check_base(base) is toy.TOY
    assert denoiser_weights(base) == sum(weight.numel() for weight in toy.mover().parameters())
    assert identify(base).preset == "puppet"


def test_it_draws_trains_and_reads_its_own_lora_files(in_table, base, items, tmp_path):
    backend = DiffusersBackend(base, SETTINGS, device="cpu")
    plain = pixels(backend)
    recipe = RECIPE.model_copy(update={"text_encoder": True, "conv_rank": 2})
    path = backend.train(items, recipe, tmp_path / "w", lambda event: None).path
    names = {key.rsplit(".lora_", 1)[0].removesuffix(".alpha") for key in load_file(path)}
    assert all(name.startswith(("diffusion_model.", "toy_text_")) for name in names)
    metadata = metadata_of(path)
    assert metadata["modelspec.architecture"] == "toy-flow/lora"
    assert metadata["ss_base_model_version"] == "toy_v1"
    assert "modelspec.prediction_type" not in metadata
    assert set(json.loads(metadata["bootstrap.modules"])) == names
    found = read_any(path, grammars())
    assert found.unknown == ()
    assert found.lora.grammar == in_table.grammar
    assert len(found.lora.modules) == len(in_table.grammar.modules()[0])
    assert len(found.lora.text_modules) == 12
    attached = pixels(backend, path)
    assert (attached != plain).any()
    assert abs(attached - pixels(DiffusersBackend(base, SETTINGS, device="cpu"), path)).max() <= 1
    assert (pixels(backend) == plain).all()


def test_its_loss_is_that_of_a_flow_written_by_hand(in_table, base, items, tmp_path):
    from bootstrap.training.passes import Passes

    backend = DiffusersBackend(base, SETTINGS, device="cpu")
    plain = RECIPE.model_copy(update={"tag_dropout": 0.0, "caption_dropout": 0.0, "shuffle_caption": False})
    inputs = backend.trainer.inputs(items[:1], plain)
    random = torch.Generator().manual_seed(plain.random_seed * 1_000_003)
    latents = torch.stack([inputs.latents[0]] * 2)
    noise, times = torch.randn(latents.shape, generator=random), torch.rand(2, generator=random)
    share = times.view(-1, 1, 1, 1)
    states = backend.base.prompts.encode(["rubychr, red"] * 2).states
    with torch.no_grad():
        output = backend.base.denoiser((1 - share) * latents + share * noise, times * 1000, states).sample
        loss = Passes(inputs, items[:1], plain).loss(0)
    assert torch.allclose(loss, torch.nn.functional.mse_loss(output, noise - latents), atol=1e-6)


def test_a_lora_of_another_architecture_is_named(in_table, base, tiny, items, tmp_path):
    other = DiffusersBackend(tiny, SETTINGS, device="cpu")
    path = other.train(items, RECIPE, tmp_path / "w", lambda event: None).path
    with pytest.raises(BackendError, match="a LoRA for Stable Diffusion 1, the base is Toy Flow"):
        pixels(DiffusersBackend(base, SETTINGS, device="cpu"), path)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers, its samplers
def test_a_run_on_it_ends_with_a_set_and_its_own_files(in_table, base, call, tmp_path, monkeypatch):
    monkeypatch.setattr(Judges, "failures", lambda self, values, traits_at=0.0: [])
    monkeypatch.setattr(ranking, "admitted", lambda candidates, ranks, kept, level: {f.job.id for f in candidates})
    run, own = tmp_path / "run", tmp_path / "own.yaml"
    own.write_text(SMALL, encoding="utf-8")
    done = call("run", RUBY / "seed.png", RUBY / "character.json", "--base", base, "--config", own, "--out", run)
    assert done.code == 0, done.err
    with Store.open(run, exclusive=False) as store:
        assert len(store.kept()) == 2
    (published,) = (run / "lora").glob("rubychr-*.safetensors")
    with safe_open(published, "np") as file:
        assert file.metadata()["modelspec.architecture"] == "toy-flow/lora"
        assert all(key.startswith(("diffusion_model.", "toy_text_")) for key in file.keys())  # noqa: SIM118
    with safe_open(run / "lora" / "pytorch_lora_weights.safetensors", "np") as file:
        assert all(key.startswith(("mover.", "text_encoder.")) for key in file.keys())  # noqa: SIM118
