"""FLUX.2 klein on tiny weights: drawn, trained, exported and read as its own pipeline and a hand-written loop do it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from bootstrap.backends import loaded, prompts_chat
from bootstrap.backends.architectures import ARCHITECTURES, grammars
from bootstrap.backends.bases import check_base
from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.native_references import NativeReferences
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.config import load
from bootstrap.errors import BackendError
from bootstrap.lora import Lora, metadata_of, save_diffusers, save_kohya
from bootstrap.lora.foreign import read_any
from bootstrap.panel.judges import Judges
from bootstrap.records import Job, JobKind, Reference, Shot, TrainItem
from bootstrap.runs.run_models import check_base_files
from bootstrap.store.store import Store
from bootstrap.training.passes import Passes
from bootstrap.training.recipe import TrainRecipe
from loops import ranking
from scoring.measurement import digest_of

RUBY = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
KLEIN = ARCHITECTURES["flux2-klein"]
SETTINGS = SamplingSettings(
    steps=2, guidance_scale=3.0, batch_size=2, width=64, height=64, dtype="float32", scheduler="euler"
)
RECIPE = TrainRecipe(rank=2, network_alpha=1, steps=2, batch_size=2, learning_rate=0.05, random_seed=3)
PLAIN = RECIPE.model_copy(update={"tag_dropout": 0.0, "caption_dropout": 0.0, "shuffle_caption": False})
COMFY = (
    r"diffusion_model\.(double_blocks\.\d+\.(img|txt)_(attn\.(qkv|proj)|mlp\.[02])|single_blocks\.\d+\.linear[12])"
    r"\.lora_[AB]\.weight"
)
"""The keys that ComfyUI looks for: ``diffusion_model.`` and the original code's modules (comfy/lora.py at 17358c8,
modules of black-forest-labs/flux2)."""
SMALL = """
panel: puppet
loop: {target: 2, goals: [1], rounds: 2, waves: 1, lookalikes: 2, most_decoys: 2, candidates_a_place: 2,
  final_candidates: 1, showcase: 0, acceptance: {weights: []}}
base:
  sampling: {steps: 2, batch_size: 4, width: 64, height: 64, shapes: {}, dtype: float32}
  minimum_steps: 2
  memory: 1
  recipes: {style: {steps: 2, batch_size: 2, rank: 2, text_variants: 1},
    character: {steps: 2, batch_size: 2, rank: 2, text_variants: 1}}
"""


@pytest.fixture(scope="module")
def klein(tiny_klein):
    return DiffusersBackend(tiny_klein, SETTINGS, device="cpu")


@pytest.fixture
def items(tmp_path):
    found = []
    for name in ("red", "blue"):
        Image.effect_noise((64, 64), 60).convert("RGB").save(tmp_path / f"{name}.png")
        found.append(TrainItem(str(tmp_path / f"{name}.png"), ("rubychr", name), "seed"))
    return found


@pytest.fixture
def strong(klein):
    """A LoRA that changes much: random weights in every module."""
    random, pairs = np.random.default_rng(0), {}
    for name, module in klein.base.denoiser.named_modules():
        if re.fullmatch(KLEIN.targets.denoiser, name):
            rows, columns = getattr(module, "base_layer", module).weight.shape
            pairs[name] = random.normal(size=(2, columns)), random.normal(size=(rows, 2))
    pairs = {name: (down.astype(np.float32), up.astype(np.float32)) for name, (down, up) in pairs.items()}
    return Lora(pairs, 1.0, grammar=KLEIN.grammar)


def jobs(*numbers):
    shot = Shot("front", "front", "portrait")
    return [Job(f"j{n}", JobKind.CANDIDATE, 1, 1, shot, "green hair, rubychr", "", n, {}) for n in numbers]


def drawn(backend, adapter=None, asked=()):
    (batch,) = backend.draw(asked or jobs(1, 2), adapter)
    return np.stack([np.asarray(image).astype(int) for _, image in batch])


def by_its_pipeline(folder, lora=None, **more):
    """What diffusers' own pipeline draws, which knows nothing of ours."""
    from diffusers import Flux2KleinPipeline

    pipe = Flux2KleinPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    if lora:
        pipe.load_lora_weights(lora.parent, weight_name=lora.name)
    generators = [torch.Generator().manual_seed(job.random_seed) for job in jobs(1, 2)]
    options = {"num_inference_steps": 2, "guidance_scale": 3.0, "width": 64, "height": 64, "generator": generators}
    images = pipe(prompt=[job.prompt for job in jobs(1, 2)], **{**options, **more}).images
    return np.stack([np.asarray(image).astype(int) for image in images])


def test_it_draws_what_its_own_pipeline_draws_with_and_without_a_lora(klein, tiny_klein, strong, tmp_path):
    own, diffusers = tmp_path / "own.safetensors", tmp_path / "diffusers.safetensors"
    save_kohya(own, strong, {})
    save_diffusers(diffusers, strong)
    plain, changed = drawn(klein), drawn(klein, own)
    assert abs(plain - by_its_pipeline(tiny_klein)).max() <= 1
    assert abs(plain - changed).max() > 20
    for file in (own, diffusers):
        assert abs(changed - by_its_pipeline(tiny_klein, file)).max() <= 1
    assert (drawn(klein) == plain).all()


def test_a_file_of_parts_is_read_as_one_of_fused_layers(strong, tmp_path):
    save_diffusers(tmp_path / "parts.safetensors", strong)
    found = read_any(tmp_path / "parts.safetensors", grammars())
    assert (found.form, found.unknown, found.lora.grammar) == ("diffusers", (), KLEIN.grammar)
    assert found.lora.modules.keys() == strong.modules.keys()
    for name, (down, up) in found.lora.modules.items():
        other_down, other_up = strong.modules[name]
        wanted = strong.scale * other_up @ other_down
        assert np.allclose(found.lora.scale * up @ down, wanted, atol=1e-5)
        assert len(down) == 2


def test_parts_of_several_ranks_and_one_that_is_missing_are_fused_exactly(tmp_path):
    from safetensors.numpy import save_file

    random, block = np.random.default_rng(0), "transformer.transformer_blocks.0.attn"
    tensors, wanted = {}, np.zeros((9, 4))
    for number, (part, rank) in enumerate((("to_q", 1), ("to_v", 2))):
        down, up = random.normal(size=(rank, 4)), random.normal(size=(3, rank))
        tensors |= {f"{block}.{part}.lora_A.weight": down, f"{block}.{part}.lora_B.weight": up}
        wanted[6 * number : 6 * number + 3] = up @ down
    save_file({name: one.astype(np.float32) for name, one in tensors.items()}, tmp_path / "x.safetensors")
    lora = read_any(tmp_path / "x.safetensors", grammars()).lora
    ((name, (down, up)),) = lora.modules.items()
    assert name == "transformer_blocks.0.attn.to_qkv"
    assert np.allclose(lora.scale * up @ down, wanted, atol=1e-6)


@pytest.mark.parametrize("network", ["dora", "lokr"])
def test_other_networks_of_fused_layers_are_split_for_diffusers(klein, tiny_klein, items, tmp_path, network):
    recipe = PLAIN.model_copy(update={"network": network, "steps": 8, "batch_size": 1, "learning_rate": 0.5})
    recipe = recipe.model_copy(update={"lr_warmup_steps": 0})
    path = klein.train(items[:1], recipe, tmp_path / "w", lambda event: None).path
    save_diffusers(tmp_path / "x.safetensors", read_any(path, grammars()).lora)
    own = drawn(klein, path)
    assert abs(own - drawn(klein)).max() > 20
    assert abs(own - by_its_pipeline(tiny_klein, tmp_path / "x.safetensors")).max() <= 1


def test_with_offload_the_transformer_makes_room_for_the_text_encoder(tiny_klein, monkeypatch):
    made_room = []
    monkeypatch.setattr(loaded, "Offloaded", lambda models, device, instead_of: made_room.extend(instead_of))
    base = loaded.LoadedBase(tiny_klein, SETTINGS.model_copy(update={"offload": True}), "cpu")
    assert made_room == [base.pipe.vae, base.denoiser]


def flow_by_hand(tiny_klein, latents, number):
    """Loss of a flow-matching step as the papers have it, on diffusers' own transformer, and its gradients."""
    from diffusers import Flux2KleinPipeline

    pipe = Flux2KleinPipeline.from_pretrained(tiny_klein)
    random = torch.Generator().manual_seed(number)
    noise, normal = torch.randn(latents.shape, generator=random), torch.randn(len(latents), generator=random)
    mu = 0.5 + (1.15 - 0.5) * (16 - 256) / (4096 - 256)  # 16 patches, on the line that its scheduler names
    sigmoid = 1 / (1 + torch.exp(-normal))
    times = np.exp(mu) / (np.exp(mu) + (1 / sigmoid - 1))
    share = times.view(-1, 1, 1, 1)
    states, places = pipe.encode_prompt(["rubychr, red"] * len(latents))
    rows = torch.tensor([[0, y, x, 0] for y in range(4) for x in range(4)])
    tokens = ((1 - share) * latents + share * noise).reshape(len(latents), 16, 16).permute(0, 2, 1)
    output = pipe.transformer(
        tokens, encoder_hidden_states=states, timestep=times, img_ids=rows, txt_ids=places, return_dict=False
    )[0]
    target = (noise - latents).reshape(len(latents), 16, 16).permute(0, 2, 1)
    loss = ((output - target) ** 2).mean()
    loss.backward()
    return loss.detach(), {name: weight.grad for name, weight in pipe.transformer.named_parameters()}


def test_its_loss_and_gradient_are_those_of_a_flow_written_by_hand(klein, tiny_klein, items):
    inputs = klein.trainer.inputs(items[:1], PLAIN)
    loss = Passes(inputs, items[:1], PLAIN).loss(0)
    loss.backward()
    latents = torch.stack([inputs.latents[0]] * 2)
    wanted, gradients = flow_by_hand(tiny_klein, latents, PLAIN.random_seed * 1_000_003)
    assert torch.allclose(loss, wanted, atol=1e-5)
    block = "transformer_blocks.0.attn"
    fused = torch.cat([gradients[f"{block}.{part}.weight"] for part in ("to_q", "to_k", "to_v")])
    single = "single_transformer_blocks.1.attn.to_qkv_mlp_proj"
    for name, whole in ((f"{block}.to_qkv", fused), (single, gradients[f"{single}.weight"])):
        layer = klein.base.denoiser.get_submodule(name)
        down, up = (getattr(layer, side)["character"].weight for side in ("lora_A", "lora_B"))
        # the second factor begins at 0, so its gradient is that of the whole weight through the first
        assert torch.allclose(up.grad, 0.5 * whole @ down.detach().T, rtol=1e-3, atol=1e-7)
        assert up.grad.abs().max() > 1e-6


def test_latents_are_those_that_its_pipeline_makes_of_a_reference(klein, tiny_klein):
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    coding, pipe = KLEIN.latents, klein.base.pipe
    with torch.inference_mode():
        mean, deviation = coding.encode(pipe, pixels)
        packed, _ = pipe.prepare_image_latents([pixels], 1, None, "cpu", torch.float32)
    assert torch.allclose(mean.flatten(2).transpose(1, 2), packed, atol=1e-6)
    assert mean.shape[1:] == deviation.shape[1:] == coding.shape(pipe, 64, 64)


def test_it_draws_from_a_reference_what_its_own_pipeline_draws_with_its_lora(tiny_klein, strong, tmp_path):
    save_kohya(tmp_path / "own.safetensors", strong, {})
    pictures = [Image.effect_noise(size, 60).convert("RGB") for size in ((64, 64), (64, 96))]
    shown = []
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number}.png")
        shown.append(Reference(f"{number}.png", digest_of(picture), 1.0))
    wide = SETTINGS.model_copy(update={"width": 96})
    backend = DiffusersBackend(tiny_klein, wide, "cpu", references=lambda base: NativeReferences(base, tmp_path))
    own = tmp_path / "own.safetensors"
    asked = [replace(job, references=tuple(shown)) for job in jobs(1, 2)]
    plain, seen = drawn(backend, own), drawn(backend, own, asked)
    assert abs(plain - seen).max() > 1
    assert abs(seen - by_its_pipeline(tiny_klein, own, image=pictures, width=96)).max() <= 1
    differing = [replace(asked[0], references=(shown[0],)), replace(asked[1], references=(shown[1],))]
    apart = np.concatenate([drawn(backend, own, [job]) for job in differing])
    assert abs(drawn(backend, own, differing) - apart).max() <= 1
    weak = [replace(job, references=tuple(replace(one, strength=1e-6) for one in shown)) for job in asked]
    assert abs(drawn(backend, own, weak) - plain).max() <= 1


@pytest.fixture(scope="module")
def whole_tree():
    """The real model without weights."""
    from diffusers import Flux2Transformer2DModel

    config = json.loads((KLEIN.configs / "transformer" / "config.json").read_text())
    with torch.device("meta"):
        return Flux2Transformer2DModel.from_config(config)


def test_every_module_of_the_real_model_has_the_key_that_programs_look_for(whole_tree, tmp_path):
    from diffusers import Flux2KleinPipeline

    assert sum(weight.numel() for weight in whole_tree.parameters()) == 3_875_544_576
    apart = {name for name, module in whole_tree.named_modules() if isinstance(module, torch.nn.Linear)}
    modules = KLEIN.grammar.modules()[0]
    parts = {part for module in modules for part in KLEIN.grammar.split(module)}
    unnamed = r"x_embedder|context_embedder|proj_out|(time_guidance_embed|.*modulation|norm_out).*"
    assert apart - parts == {name for name in apart if re.fullmatch(unnamed, name)}
    whole_tree.fuse_qkv_projections()
    trained = {name for name, _ in whole_tree.named_modules() if re.fullmatch(KLEIN.targets.denoiser, name)}
    assert trained == set(modules)
    pair = np.zeros((1, 3), np.float32), np.zeros((3, 1), np.float32)
    save_kohya(tmp_path / "x.safetensors", Lora(dict.fromkeys(modules, pair), 1.0, grammar=KLEIN.grammar), {})
    keys = load_file(tmp_path / "x.safetensors").keys()
    assert all(re.fullmatch(COMFY, key) for key in keys)
    read = Flux2KleinPipeline.lora_state_dict(tmp_path / "x.safetensors")
    assert {key.removeprefix("transformer.").rsplit(".lora_", 1)[0] for key in read} == parts


def test_what_no_lora_can_be_trained_on_is_refused_in_one_line(tiny_klein, call, tmp_path):
    folder = tmp_path / "FLUX.2-klein-4B"
    shutil.copytree(tiny_klein, folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"is_distilled": True}))
    with pytest.raises(BackendError, match="distilled to four steps") as told:
        check_base(folder)
    assert "FLUX.2-klein-base-4B; to draw with this one, give --drawer klein" in told.value.hint
    (folder / "model_index.json").write_text(json.dumps(index))
    config = json.loads((folder / "transformer" / "config.json").read_text())
    (folder / "transformer" / "config.json").write_text(json.dumps(config | {"joint_attention_dim": 12288}))
    with pytest.raises(BackendError, match="is the variant of 9B"):
        check_base(folder)
    (folder / "transformer" / "config.json").write_text("{")
    assert check_base(folder) is KLEIN  # what is damaged is told of where it is loaded
    with pytest.raises(BackendError, match="does not load"):
        DiffusersBackend(folder, SETTINGS, device="cpu")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampling": {"scheduler": "ddim"}}, 'is not drawn with the scheduler "ddim"'),
        ({"sampling": {"width": 1000}}, 'base.sampling.width "1000" does not suit FLUX.2 klein'),
        ({"sampling": {"clip_skip": 1}}, 'base.sampling.clip_skip "1" means nothing'),
        ({"sampling": {"vae": "other.safetensors"}}, 'base.sampling.vae "other.safetensors" means nothing'),
        ({"recipes": {"style": {"text_encoder": True}}}, "a language model, which is not trained here"),
        ({"recipes": {"style": {"bucket_reso_steps": 8}}}, 'bucket_reso_steps "8" does not suit'),
        ({"reference": {"native": False, "attention": 1.0}}, "does not draw from references by base.reference.att"),
        ({"control": {"path": "net", "kind": "openpose"}}, "is not steered by a ControlNet"),
    ],
)
def test_settings_that_do_not_suit_it_are_told_of_before_anything_is_loaded(tiny_klein, settings, message):
    config = load("klein", own={"base": {**settings, "path": str(tiny_klein)}})
    with pytest.raises(BackendError, match=message):
        check_base_files(config.base)


def test_only_it_sees_references_by_itself(tiny):
    config = load("sd15", own={"base": {"path": str(tiny), "reference": {"native": True}}})
    with pytest.raises(BackendError, match="Stable Diffusion 1 does not draw from references by"):
        check_base_files(config.base)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers, its samplers
def test_a_run_on_it_draws_from_the_seed_with_its_lora_and_ends_with_files_that_programs_read(
    tiny_klein, call, tmp_path, monkeypatch
):
    monkeypatch.setattr(prompts_chat, "LONGEST", 32)  # its language model takes most of the time
    monkeypatch.setattr(Judges, "failures", lambda self, values, traits_at=0.0: [])
    monkeypatch.setattr(ranking, "admitted", lambda candidates, ranks, kept, level: {f.job.id for f in candidates})
    run, own = tmp_path / "run", tmp_path / "own.yaml"
    own.write_text(SMALL, encoding="utf-8")
    words = ["run", RUBY / "seed.png", RUBY / "character.json", "--base", tiny_klein, "--config", own, "--out", run]
    done = call(*words)
    assert done.code == 0, done.err
    with Store.open(run, exclusive=False) as store:
        kept = store.kept()
        assert len(kept) == 2
        assert {one.strength for frame in kept for one in frame.job.references} == {1.0}
        assert any(frame.adapter for frame in kept)
    (published,) = (run / "lora").glob("rubychr-*.safetensors")
    assert metadata_of(published)["modelspec.architecture"] == "Flux.2-klein-4b/lora"
    assert metadata_of(published)["ss_base_model_version"] == "flux_2_klein_4b"
    assert all(re.fullmatch(COMFY, key) for key in load_file(published))
    by_its_pipeline(tiny_klein, published)
    by_its_pipeline(tiny_klein, run / "lora" / "pytorch_lora_weights.safetensors")
