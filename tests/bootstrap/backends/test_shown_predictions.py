"""Distillation from references: the base predicts what it would draw from them, and a LoRA learns it."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.framing import Framed
from bootstrap.backends.loaded_references import LoadedReferences
from bootstrap.backends.regularisation import NO_SHOT
from bootstrap.backends.shown_predictions import ShownPredictions
from bootstrap.config import embedded, load
from bootstrap.errors import BackendError
from bootstrap.records import Job, JobKind, Reference, TrainItem

PUPPET = load("puppet").base
PLAIN = {"steps": 4, "batch_size": 2, "scheduler": "ddim", "dtype": "float32", "guidance_scale": 1.0}
WORDS = "1girl, solo, from front, portrait"
PLAIN_LOSS = {"output_preservation": 0.0, "reference_distillation": 0.0}
RECIPE = PUPPET.recipes["character"].model_copy(update={"steps": 24, "batch_size": 2, **PLAIN_LOSS})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A red and a blue picture as references, and a grey one to train on."""
    torch.set_num_threads(1)
    folder, found = tmp_path_factory.mktemp("pictures"), {}
    for name, color in {"red": (250, 20, 20), "blue": (20, 20, 250), "grey": (128, 128, 128)}.items():
        path = folder / f"{name}.png"
        Image.new("RGB", (96, 96), color).save(path)
        found[name] = Reference(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1.0)
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["adapter", "attention beside it"])
def backend(request, tmp_path_factory):
    settings = PUPPET.reference.model_copy(update={"attention": 1.0 if request.param else 0.0})
    folder, path = tmp_path_factory.mktemp("run"), embedded(PUPPET.reference.path)
    load_references = lambda base: LoadedReferences(base, path, settings, folder)  # noqa: E731
    sampling = PUPPET.sampling.model_copy(update=PLAIN)
    return DiffusersBackend(embedded(PUPPET.path), sampling, "cpu", load_references, pictures=folder)


def item(pictures, *shown):
    return TrainItem(pictures["grey"].path, ("rubychr", "1girl"), "kept", job=job(WORDS, *shown))


def job(prompt, *shown, seed=0):
    return Job(f"{seed}", JobKind.PROBE, 0, 0, NO_SHOT, prompt, "", seed, {}, shown)


def predictions(backend, items):
    cuts = [Framed(Image.new("RGB", (96, 96)), (96, 96, 0, 0, 96, 96))] * len(items)
    return ShownPredictions(backend.base, backend.references, [one.job.references for one in items], cuts)


def test_each_row_is_predicted_with_its_own_references_in_its_place(backend, pictures):
    red, blue = pictures["red"], replace(pictures["blue"], strength=0.5)
    items = [item(pictures, red), item(pictures, blue), item(pictures, red, pictures["blue"])]
    one = predictions(backend, items)
    torch.manual_seed(0)
    latents, times = torch.randn(1, 16, 12, 12).repeat(3, 1, 1, 1), torch.tensor([500, 300, 500])
    with torch.no_grad():
        together = one.predict(latents, times, [WORDS] * 3, [0, 1, 2])
        alone = [one.predict(latents[row : row + 1], times[row : row + 1], [WORDS], [row])[0] for row in range(3)]
    assert torch.allclose(together, torch.stack(alone), atol=1e-4)
    assert (together[0] - together[2]).abs().mean() > 1e-2
    processors = {type(one).__name__ for one in backend.base.denoiser.attn_processors.values()}
    assert not any("IPAdapter" in name or "Shared" in name for name in processors)


def test_the_lora_draws_what_the_base_draws_from_the_references(backend, pictures, tmp_path):
    def drawn(adapter, *shown):
        jobs = [job("rubychr, 1girl" if adapter else WORDS, *shown, seed=n) for n in range(2)]
        return np.stack([np.asarray(one, float) for batch in backend.draw(jobs, adapter) for _, one in batch])

    wanted = drawn(None, pictures["red"])
    apart = {}
    for share in (0.0, 1.0):
        recipe = RECIPE.model_copy(update={"reference_distillation": share})
        done = backend.train([item(pictures, pictures["red"])], recipe, tmp_path / str(share), lambda event: None)
        apart[share] = abs(drawn(done.path) - wanted).mean()
    assert apart[1.0] < 0.9 * apart[0.0], apart  # without it, the grey picture itself is learned


def test_an_altered_reference_ends_the_training(backend, pictures, tmp_path):
    altered = replace(pictures["red"], sha256="0" * 64)
    recipe = RECIPE.model_copy(update={"reference_distillation": 1.0})
    with pytest.raises(BackendError, match="was altered"):
        backend.train([item(pictures, altered)], recipe, tmp_path, lambda event: None)


def test_a_lora_that_is_trained_beside_references_learns_what_these_leave_out(backend, pictures, tmp_path):
    red, grey = pictures["red"], pictures["grey"]
    one = TrainItem(grey.path, ("rubychr", "1girl"), "seed", beside=(red,))

    def apart(recipe, name):
        done = backend.train([one], recipe, tmp_path / name, lambda event: None)
        jobs = [job("rubychr, 1girl", red, seed=number) for number in range(2)]
        drawn = [np.asarray(image, float) for batch in backend.draw(jobs, done.path) for _, image in batch]
        return abs(np.stack(drawn) - 128).mean()

    beside = RECIPE.model_copy(update={"beside_references": True, "steps": 12, "sample_every_n_steps": 12})
    assert apart(beside, "beside") < 0.9 * apart(RECIPE.model_copy(update={"steps": 12}), "in words")
    processors = {type(one).__name__ for one in backend.base.denoiser.attn_processors.values()}
    assert not any("IPAdapter" in name or "Shared" in name for name in processors)


def test_checkpointed_activations_are_computed_again_beside_the_references(backend, pictures, tmp_path):
    if backend.references.by_timestep:
        pytest.skip("refused by the configuration")
    one = TrainItem(pictures["grey"].path, ("rubychr", "1girl"), "seed", beside=(pictures["red"],))
    found = []
    for again in (False, True):
        update = {"beside_references": True, "steps": 2, "gradient_checkpointing": again, "output_preservation": 0.5}
        done = backend.train([one], RECIPE.model_copy(update=update), tmp_path / str(again), lambda event: None)
        found.append(load_file(done.path))
    assert all(torch.allclose(found[0][name], found[1][name], atol=1e-5) for name in found[0])


def test_what_drew_a_picture_predicts_it_with_its_lora(backend, pictures, tmp_path):
    short = RECIPE.model_copy(update={"steps": 8, "rank": 4, "network_alpha": 2.0})
    lora = backend.train([TrainItem(pictures["blue"].path, ("blue",), "seed")], short, tmp_path / "drew", print).path
    items = [item(pictures, pictures["red"]), replace(item(pictures, pictures["red"]), drawn_with=str(lora))]
    torch.manual_seed(0)
    given = torch.randn(2, 16, 12, 12), torch.tensor([500, 500]), [WORDS] * 2
    direct = predictions(backend, items)
    with torch.no_grad():
        backend.adapter.attach(None)
        alone = direct.predict(*given, [0, 1])
        backend.adapter.attach(lora)
        attached = direct.predict(*given, [0, 1])
    recipe = RECIPE.model_copy(update={"reference_distillation": 1.0})
    inputs = backend.trainer.inputs(items, recipe)
    before = [weight.detach().clone() for weight in inputs.weights]
    found = inputs.predict_shown(*given, [0, 1])
    assert torch.allclose(found[0], alone[0], atol=1e-4)
    assert torch.allclose(found[1], attached[1], atol=1e-4)
    assert (attached[1] - alone[1]).abs().mean() > 1e-3
    assert all(torch.equal(one, weight) for one, weight in zip(before, inputs.weights, strict=True))


def test_a_network_of_another_kind_cannot_be_asked(backend, pictures, tmp_path):
    other = RECIPE.model_copy(update={"steps": 1, "network": "loha"})
    lora = backend.train([TrainItem(pictures["blue"].path, ("blue",), "seed")], other, tmp_path / "loha", print).path
    recipe = RECIPE.model_copy(update={"reference_distillation": 1.0})
    with pytest.raises(BackendError, match="network of another kind"):
        backend.trainer.inputs([replace(item(pictures, pictures["red"]), drawn_with=str(lora))], recipe)
