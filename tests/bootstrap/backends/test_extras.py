"""Masks, crops, samples and checkpointing on a tiny pipeline: what is asked for happens, the rest stays as it was."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.framing import framed
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.saving_memory import checkpointing
from bootstrap.backends.saving_memory import moved as moved_to
from bootstrap.errors import BackendError
from bootstrap.records import TrainItem
from bootstrap.training.recipe import TrainRecipe
from bootstrap.training.train_lora import train_lora

SETTINGS = SamplingSettings(steps=2, guidance_scale=2.0, batch_size=3, width=32, height=32, dtype="float32")
RECIPE = TrainRecipe(rank=2, network_alpha=2, steps=3, batch_size=2, learning_rate=0.02, random_seed=3)


def silent(event):
    pass


@pytest.fixture(scope="module")
def backend(tiny):
    return DiffusersBackend(tiny, SETTINGS, device="cpu")


@pytest.fixture
def items(tmp_path):
    found = []
    for name in ("red", "blue", "green"):
        Image.effect_noise((48, 32), 60).convert("RGB").save(tmp_path / f"{name}.png")
        found.append(TrainItem(str(tmp_path / f"{name}.png"), ("rubychr", name, "smile"), "seed"))
    return found


def weights(backend, items, folder, **changes):
    return load_file(backend.train(items, RECIPE.model_copy(update=changes), folder, silent).path)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_the_subject_is_told_by_a_mask_alpha_or_box(tmp_path):
    recipe = RECIPE.model_copy(update={"masked_loss": True})
    picture = Image.new("RGB", (32, 32), "red")
    picture.save(tmp_path / "box.png")
    item = TrainItem(str(tmp_path / "box.png"), (), "kept", subject=(0.5, 0, 1, 1))
    boxed = np.asarray(framed(item, (32, 32), recipe).mask)
    assert boxed[:, :16].max() == 0
    assert boxed[:, 16:].min() == 255
    alpha = Image.new("L", (32, 32), 0)
    alpha.paste(200, (0, 0, 32, 16))
    picture.putalpha(alpha)
    picture.save(tmp_path / "box.png")
    assert np.asarray(framed(item, (32, 32), recipe).mask)[:16].min() == 200
    Image.new("L", (4, 4), 77).save(tmp_path / "box_mask.png")
    assert set(np.unique(np.asarray(framed(item, (32, 32), recipe).mask))) == {77}
    assert framed(item, (32, 32), RECIPE).mask is None
    (tmp_path / "box_mask.png").write_bytes(b"no picture")
    with pytest.raises(BackendError, match=r"box_mask\.png"):
        framed(item, (32, 32), recipe)


def test_masks_reach_the_loss_at_the_size_of_the_latents(backend, items):
    recipe = RECIPE.model_copy(update={"masked_loss": True, "background_weight": 0.2})
    half = [TrainItem(items[0].path, items[0].tags, "seed", subject=(0, 0, 1, 0.5)), items[1]]
    first, second = backend.trainer.inputs(half, recipe).masks
    assert first.shape == second.shape == (1, 8, 8)
    assert torch.allclose(first[0, :4], torch.ones(4, 8))
    assert torch.allclose(first[0, 4:], torch.full((4, 8), 0.2))
    assert (second == 1).all()
    assert not backend.trainer.inputs(half, RECIPE).masks


def test_crops_are_spread_over_what_is_cut_away(backend, items):
    recipe = RECIPE.model_copy(update={"latent_crops": 3})
    lefts = [framed(items[0], (32, 32), recipe, crop).cut.corner[0] for crop in range(3)]
    assert lefts == [8, 0, 16]
    inputs = backend.trainer.inputs(items, recipe)
    assert (len(inputs.latents), inputs.crops) == (9, 3)
    assert not torch.equal(inputs.latents[1], inputs.latents[2])
    drawn = backend.trainer.inputs(items, RECIPE.model_copy(update={"sample_latents": True}))
    assert len(drawn.deviations) == 3
    assert all((spread > 0).all() for spread in drawn.deviations)


def test_sheets_of_samples_change_no_weight_and_no_switch(backend, items, tmp_path):
    for text in (False, True):
        asked = {"text_encoder": text, "gradient_checkpointing": True, "ema_decay": 0.5}
        folder = tmp_path / f"{text}"
        plain = weights(backend, items, folder / "a", **asked)
        sampled = weights(backend, items, folder / "b", **asked, sample_every_n_steps=1)
        assert same(plain, sampled)
        sheets = [np.asarray(Image.open(path)) for path in sorted((folder / "b" / "samples").glob("*.png"))]
        assert len(sheets) == 3
        assert (sheets[0] != sheets[2]).any()
        assert not any(getattr(module, "gradient_checkpointing", False) for module in backend.base.denoiser.modules())


def test_checkpointing_by_interval_switches_some_blocks_on_and_changes_no_gradient(backend, items, tmp_path):
    counts = []
    for interval in (1, 2):
        recipe = RECIPE.model_copy(update={"gradient_checkpointing": True, "gradient_checkpointing_interval": interval})
        with checkpointing(backend.base.denoiser, recipe):
            counts.append(
                sum(getattr(module, "gradient_checkpointing", False) for module in backend.base.denoiser.modules())
            )
    assert counts[1] == -(-counts[0] // 2)
    plain = weights(backend, items, tmp_path / "a")
    other = weights(backend, items, tmp_path / "b", gradient_checkpointing=True, gradient_checkpointing_interval=2)
    assert all(torch.allclose(plain[key], other[key], atol=1e-6) for key in plain)


def test_a_training_with_variants_encodes_no_caption_while_it_runs(backend, items, tmp_path):
    recipe = RECIPE.model_copy(update={"text_variants": 4, "output_preservation": 0.5, "prior_pictures": 2})
    encoded, before = [], []
    hook = backend.base.prompts.encoder.register_forward_hook(lambda *seen: encoded.append(1))

    def first_step(event):
        before.append(len(encoded))

    backend.train(items, recipe, tmp_path, first_step)
    hook.remove()
    assert before
    assert encoded
    assert before[0] == len(encoded)


def test_offloaded_parts_come_back():
    moved = []

    class Part:
        def to(self, device):
            moved.append(device)

    with moved_to([Part()], "cpu", back="cuda"):
        assert moved == ["cpu"]
        with moved_to([Part()], "cuda", back="cpu"):
            assert moved[-1] == "cuda"
        assert moved[-1] == "cpu"
    assert moved[-1] == "cuda"


def test_preserving_the_base_keeps_its_output_without_the_trigger(backend, items, tmp_path):
    def away(folder, **changes):
        """How far the adapter moves what the base answers to captions without the trigger."""
        recipe = RECIPE.model_copy(update={"steps": 12, "batch_size": 3, "learning_rate": 0.03, **changes})
        trained = backend.train(items, recipe, folder, silent)
        next(iter(backend.draw([job()], trained.path)))
        inputs = backend.trainer.inputs(items, recipe)
        random = torch.Generator().manual_seed(0)
        seen, times = torch.randn(3, 4, 8, 8, generator=random), torch.tensor([50, 300, 700])
        captions = ["red, smile", "blue, smile", "green, smile"]
        backend.adapter.attach(trained.path)
        with torch.no_grad():
            attached = inputs.predict(seen, times, captions, [0, 1, 2])
        return float((attached - inputs.predict_base(seen, times, captions, [0, 1, 2])).square().mean())

    assert away(tmp_path / "kept", output_preservation=10.0) < 0.5 * away(tmp_path / "free")


def job():
    from bootstrap.backends.regularisation import NO_SHOT
    from bootstrap.records import Job, JobKind

    return Job("j", JobKind.PROBE, 0, 0, NO_SHOT, "red", "", 1, {})


def test_regularisation_pictures_come_from_a_folder_or_the_base(backend, items, tmp_path, monkeypatch):
    folder = tmp_path / "reg" / "1_girl, solo"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        Image.new("RGB", (32, 32), "white").save(folder / f"{name}.png")
    (folder / "b.txt").write_text("boy, hat\n")
    recipe = RECIPE.model_copy(update={"reg_data_dir": str(tmp_path / "reg"), "prior_pictures": 2})
    seen = []

    def listening(inputs, *given):
        seen.append(inputs.regularisation)
        return train_lora(inputs, *given)

    monkeypatch.setattr("bootstrap.backends.lora_trainer.train_lora", listening)
    trained = backend.train(items, recipe, tmp_path / "w", silent)
    drawn = {path: path.stat().st_mtime_ns for path in (tmp_path / "w" / "reg").glob("*.png")}
    again = backend.train(items, recipe, tmp_path / "w", silent)
    assert [item.tags for item in seen[0]] == [("girl", "solo"), ("boy", "hat"), ("red", "smile"), ("blue", "smile")]
    assert drawn == {path: path.stat().st_mtime_ns for path in (tmp_path / "w" / "reg").glob("*.png")}
    assert len(drawn) == 2
    assert trained.final_loss == again.final_loss
    assert not same(load_file(trained.path), weights(backend, items, tmp_path / "plain"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BackendError, match="holds no picture"):
        weights(backend, items, tmp_path / "x", reg_data_dir=str(tmp_path / "empty"))
