"""Image-to-image: what a drawing begins from, against diffusers' own pipeline, and in a flow by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bootstrap.backends.diffusers import DiffusersBackend
from bootstrap.backends.parameters import parameters_text
from bootstrap.backends.samplers import sampler_for
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.start_pictures import BegunBatch
from bootstrap.config import load
from bootstrap.errors import BackendError
from bootstrap.records import Job, JobKind, Reference, Shot
from bootstrap.runs.run_models import open_base
from scoring.measurement import digest_of
from tests.bootstrap.backends import test_z_image

SETTINGS = SamplingSettings(steps=5, guidance_scale=3.0, batch_size=3, width=32, height=32, dtype="float32")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for name, size in (("square", (64, 64)), ("wide", (96, 64))):
        Image.effect_noise(size, 90).convert("RGB").save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def backend(tiny, pictures):
    return DiffusersBackend(tiny, SETTINGS, "cpu", pictures=pictures)


def start(pictures, name="square", strength=0.6):
    return Reference(f"{name}.png", digest_of(Image.open(pictures / f"{name}.png")), strength)


def job(number, begun=None):
    shot = Shot("front", "front", "portrait")
    return Job(f"j{number}", JobKind.CANDIDATE, 1, 1, shot, "green hair", "blurry", number, {}, start=begun)


def drawn(backend, jobs):
    (batch,) = backend.draw(jobs, None)
    return np.stack([np.asarray(image).astype(int) for _, image in batch])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scheduler", ["ddim", "dpm++", "euler", "euler_a"])
def test_it_draws_what_the_image_to_image_pipeline_draws(tiny, pictures, scheduler):
    from diffusers import StableDiffusionImg2ImgPipeline

    settings = SETTINGS.model_copy(update={"scheduler": scheduler})
    backend = DiffusersBackend(tiny, settings, "cpu", pictures=pictures)
    asked = [job(1, start(pictures)), job(2, start(pictures))]
    begun = backend.starts.of(asked)
    pipe = StableDiffusionImg2ImgPipeline.from_pretrained(tiny, safety_checker=None, requires_safety_checker=False)
    pipe.scheduler = sampler_for(backend.base.pipe, settings)
    pipe.set_progress_bar_config(disable=True)
    generators = [torch.Generator().manual_seed(one.random_seed) for one in asked]
    options = {"num_inference_steps": 5, "guidance_scale": 3.0, "strength": 0.6, "generator": generators}
    images = pipe(["green hair"] * 2, begun.latents, negative_prompt=["blurry"] * 2, **options).images
    wanted = np.stack([np.asarray(image).astype(int) for image in images])
    found = drawn(backend, asked)
    assert abs(found - wanted).max() <= 1
    assert abs(found - drawn(backend, [job(1), job(2)])).max() > 5


def test_less_strength_keeps_more_and_neighbours_change_nothing(backend, pictures):
    whole = np.asarray(Image.open(pictures / "square.png").resize((32, 32), Image.Resampling.LANCZOS)).astype(int)
    coded = drawn(backend, [job(1, start(pictures, strength=0.01))])[0]
    far = [abs(drawn(backend, [job(1, start(pictures, strength=one))])[0] - coded).mean() for one in (0.4, 0.99)]
    assert far[0] < far[1], "one step is drawn at least"
    assert coded.shape == whole.shape
    mixed = drawn(backend, [job(1, start(pictures)), job(2), job(3, start(pictures, "wide", 0.3))])
    alone = [
        drawn(backend, [one])[0] for one in (job(1, start(pictures)), job(2), job(3, start(pictures, "wide", 0.3)))
    ]
    assert all(abs(one - other).max() <= 1 for one, other in zip(mixed, alone, strict=True))


def test_a_flow_begins_on_the_line_between_picture_and_noise(tiny_z_image, pictures):
    backend = DiffusersBackend(tiny_z_image, test_z_image.SETTINGS, "cpu", pictures=pictures)
    sampler = backend.base.architecture.sampler(backend.base.pipe, backend.settings)
    sampler.set_timesteps(10, "cpu")
    latents, noise = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    every = list(sampler.timesteps)
    timesteps, noised = BegunBatch(latents, 0.45).noised(sampler, noise)
    assert list(timesteps) == every[6:]
    share = float(every[6]) / 1000
    assert torch.allclose(noised, (1 - share) * latents + share * noise, atol=1e-5)
    asked = [replace(one, start=start(pictures, strength=0.5)) for one in test_z_image.jobs()]
    assert abs(test_z_image.drawn(backend) - drawn(backend, asked)).max() > 1


def test_what_cannot_be_begun_from_is_one_line(backend, tiny, pictures):
    with pytest.raises(BackendError, match=r"the picture that a drawing begins from .* is missing"):
        drawn(backend, [job(1, Reference("gone.png", "0", 0.5))])
    with pytest.raises(BackendError, match="was altered"):
        drawn(backend, [job(1, replace(start(pictures), sha256="0"))])
    with pytest.raises(BackendError, match='cannot use the picture that job "j1" begins from; leave'):
        drawn(DiffusersBackend(tiny, SETTINGS, "cpu"), [job(1, start(pictures))])


def test_the_base_of_a_run_begins_from_pictures_of_the_run(backend, tiny, pictures):
    own = {"path": str(tiny), "sampling": SETTINGS.model_dump()}
    drawer = open_base(load("sd15", own={"base": own}), pictures, None).drawer
    assert (drawn(drawer, [job(1, start(pictures))]) == drawn(backend, [job(1, start(pictures))])).all()


def test_the_picture_s_own_text_names_the_strength(pictures):
    assert (
        "Denoising strength: 0.6, "
        in parameters_text(job(1, start(pictures)), SETTINGS, model="x").replace("\n", ", ") + ", "
    )
    assert "Denoising" not in parameters_text(job(1), SETTINGS)
