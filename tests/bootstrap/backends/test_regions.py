"""Regional drawing: each subject in its own part of a picture, by its own words and its own LoRA."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.fake import FakeBackend
from bootstrap.backends.regions import windows_of
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.records import Job, JobKind, Reference, Region, Shot, TrainItem
from bootstrap.store.rows import job_from, text_of
from bootstrap.training.recipe import TrainRecipe
from scoring.measurement import digest_of

SETTINGS = SamplingSettings(steps=3, guidance_scale=2.0, batch_size=4, width=64, height=32, dtype="float32")
SHOT = Shot("front", "front", "full body")


@pytest.fixture(scope="module")
def backend(tiny, tmp_path_factory):
    """A tiny base beside two LoRAs, ``a`` and ``b``, in the folder of its pictures."""
    folder = tmp_path_factory.mktemp("regions")
    backend = DiffusersBackend(tiny, SETTINGS, "cpu", pictures=folder)
    for name, color in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (64, 32), color).save(folder / f"{name}.png")
        recipe = TrainRecipe(rank=4, network_alpha=16, steps=4, batch_size=1, learning_rate=0.05)
        item = TrainItem(str(folder / f"{name}.png"), (name,), "kept")
        trained = backend.train([item], recipe, folder / name, lambda event: None)
        assert trained.path == folder / name / "adapter.safetensors"
    return backend, folder


def region(name, shift, lora=True):
    return Region(f"{name}, smile", f"{name}/adapter.safetensors" if lora else "", shift)


def job(number, *regions, prompt="", start=None):
    return Job(f"j{number}", JobKind.CANDIDATE, 1, 1, SHOT, prompt, "blurry", number, {}, regions=regions, start=start)


def drawn(backend, jobs, adapter=None):
    (batch,) = backend.draw(jobs, adapter)
    return [np.asarray(image).astype(int) for _, image in batch]


def test_one_region_in_place_is_what_its_lora_draws_alone(backend):
    drawer, folder = backend
    (alone,) = drawn(drawer, [job(1, prompt="a, smile")], folder / "a" / "adapter.safetensors")
    (regional,) = drawn(drawer, [job(1, region("a", 0.0))])
    assert (alone == regional).all()


def test_each_part_follows_its_own_lora_and_its_own_words(backend):
    drawer, _ = backend
    two = job(1, region("a", -0.25), region("b", 0.25))
    base = replace(two, id="base", regions=(region("a", -0.25, lora=False), region("b", 0.25)))
    mirrored = replace(two, id="mirrored", regions=tuple(reversed(two.regions)))
    pictures = drawn(drawer, [two, base, mirrored])
    left, right = slice(0, 16), slice(48, 64)
    assert np.abs(pictures[0] - pictures[2]).max() <= 1, "the order in which regions are named changes nothing"
    changed = np.abs(pictures[0] - pictures[1]).mean(axis=(0, 2))
    assert changed[left].mean() > 2 * changed[right].mean() > 0, "the LoRA of the left one acts on the left"


def test_regions_and_plain_jobs_share_a_batch_and_the_adapter_of_the_call_is_attached_again(backend):
    drawer, folder = backend
    lora = folder / "a" / "adapter.safetensors"
    plain = job(2, prompt="a, smile")
    (before,) = drawn(drawer, [plain], lora)
    mixed = drawn(drawer, [job(1, region("b", -0.25), region("a", 0.25)), plain], lora)
    assert np.abs(mixed[1] - before).max() <= 1
    assert np.abs(drawn(drawer, [plain], lora)[0] - before).max() <= 1


def test_a_lora_that_joins_later_leaves_the_first_steps_to_the_base(backend):
    """Of three steps: after none, one, two and all of them."""
    drawer, folder = backend
    lora, plain = folder / "a" / "adapter.safetensors", job(2, prompt="a, smile")
    jobs = [replace(plain, id=str(start), lora_start=start) for start in (0.0, 0.34, 0.67, 0.99)]
    found = drawn(drawer, jobs, lora)
    (alone,), (whole,) = drawn(drawer, [plain]), drawn(drawer, [plain], lora)
    assert np.abs(found[0] - whole).max() <= 1
    assert np.abs(found[3] - alone).max() <= 1
    apart = [np.abs(one - alone).mean() for one in found]
    assert apart[0] > apart[1] > apart[2] > apart[3]
    assert np.abs(drawn(drawer, jobs[3:])[0] - alone).max() <= 1, "without a LoRA nothing joins"


def test_a_region_drawing_begins_from_a_collage(backend):
    drawer, folder = backend
    Image.effect_noise((64, 32), 90).convert("RGB").save(folder / "collage.png")
    digest = digest_of(Image.open(folder / "collage.png"))
    found = {}
    for strength in (0.34, 1.0):
        one = job(1, region("a", -0.25), region("b", 0.25), start=Reference("collage.png", digest, strength))
        (found[strength],) = drawn(drawer, [one])
    (noise,) = drawn(drawer, [job(1, region("a", -0.25), region("b", 0.25))])
    assert not (found[0.34] == noise).all()
    assert not (found[0.34] == found[1.0]).all()


def test_windows_cover_the_picture_and_their_masks_add_up():
    windows = windows_of([-0.25, 0.25], 96)
    assert (windows.columns, windows.starts, windows.picture, windows.pictured) == (144, (0, 48), 24, 96)
    assert torch.allclose(windows.masks.sum(0), torch.ones(144))
    assert windows.masks[0][:60].min() == 1
    assert windows.masks[1][84:].min() == 1
    assert 0 < windows.masks[0][72] < 1
    three = windows_of([-0.5, 0, 0.5], 96)
    assert (three.columns, three.picture, three.pictured) == (192, 24, 144)
    assert torch.allclose(three.masks.sum(0), torch.ones(three.columns))
    assert three.masks.argmax(0)[[0, 96, 191]].tolist() == [0, 1, 2]
    assert windows_of([0.0], 8).masks.tolist() == [[1.0] * 8]


def test_three_are_drawn_on_a_wider_picture_that_is_made_smaller(backend):
    drawer, _ = backend
    (picture,) = drawn(drawer, [job(1, region("a", -0.5), region("b", 0.0), region("a", 0.5))])
    assert picture.shape == (32, 64, 3)
    assert (picture[0] == picture[1]).mean() > 0.5, "edges are drawn out above"


def test_what_a_drawer_cannot_do_or_find_is_told(backend):
    drawer, _ = backend
    with pytest.raises(BackendError, match=r"nowhere/adapter.safetensors\" of a region is missing"):
        drawn(drawer, [job(1, region("nowhere", 0.0))])
    with pytest.raises(BackendError, match='cannot use the regions of job "j1"'):
        next(FakeBackend().draw([job(1, region("a", 0.0))], None))
    two = job(1, region("a", -0.25), replace(region("b", 0.25), references=(Reference("b.png", "0"),)))
    assert job_from(text_of(two)) == two
