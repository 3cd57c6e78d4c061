import numpy as np
import pytest
from PIL import Image

from bootstrap.backends.architectures import grammar_of_preset, grammars
from bootstrap.backends.fake import FakeBackend
from bootstrap.backends.parameters import parameters_text
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.errors import BackendError
from bootstrap.lora import metadata_of
from bootstrap.lora.grammar import grammar_of
from bootstrap.records import Job, JobKind, Shot, TrainItem
from bootstrap.training.recipe import TrainRecipe

SHOT = Shot(
    "front",
    "front",
    "close-up",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)
COLOR = (200, 30, 90)


def job(kind, random_seed=1):
    return Job(f"{kind}{random_seed}", kind, 1, 1, SHOT, "1girl, rubychr", "lowres", random_seed, {"hair": "red hair"})


def distance(backend, kind, adapter):
    ((pair,),) = backend.draw([job(kind)], adapter)
    return float(np.abs(np.asarray(pair[1], float)[30:45, 40:56].mean((0, 1)) - COLOR).mean())


@pytest.fixture
def trained(tmp_path):
    Image.new("RGB", (64, 64), COLOR).save(tmp_path / "seed.png")
    items = [TrainItem(str(tmp_path / "seed.png"), ("rubychr",), "seed")]
    return FakeBackend().train(items, TrainRecipe(), tmp_path, lambda event: None).path


def test_candidates_resemble_what_the_adapter_saw_and_decoys_do_not(trained):
    backend = FakeBackend()
    candidate, exchanged = (distance(backend, kind, trained) for kind in (JobKind.CANDIDATE, JobKind.EXCHANGED))
    assert candidate < 25 < exchanged
    assert distance(backend, JobKind.LOOKALIKE, None) > 25


def test_batches_are_fixed_and_pictures_repeat():
    backend = FakeBackend(SamplingSettings(batch_size=2, width=64, height=48))
    jobs = [job(JobKind.PROBE, seed) for seed in range(5)]
    batches, again = list(backend.draw(jobs, None)), list(backend.draw(jobs, None))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert batches[0][0][1].size == (64, 48)
    assert all(a.tobytes() == b.tobytes() for one, two in zip(batches, again, strict=True)
               for (_, a), (_, b) in zip(one, two, strict=True))  # fmt: skip


def test_no_pictures_and_a_broken_picture_are_told(tmp_path):
    with pytest.raises(BackendError, match="no picture"):
        FakeBackend().train([], TrainRecipe(), tmp_path, lambda event: None)
    (tmp_path / "x.png").write_bytes(b"no")
    with pytest.raises(BackendError, match=r"x\.png"):
        FakeBackend().train([TrainItem(str(tmp_path / "x.png"), (), "seed")], TrainRecipe(), tmp_path, lambda e: None)


def test_a_picture_tells_how_it_was_made():
    text = parameters_text(job(JobKind.CANDIDATE, 7), SamplingSettings(), "ruby-r01", "puppet")
    assert text.splitlines() == [
        "1girl, rubychr <lora:ruby-r01:1>", "Negative prompt: lowres",
        "Steps: 20, Sampler: DDIM, CFG scale: 4, Seed: 7, Size: 96x96, Model: puppet"]  # fmt: skip


def test_a_blend_has_as_much_of_the_colour_as_it_weighs(trained, tmp_path):
    backend, away = FakeBackend(), []
    for weight in (1.0, 0.6, 0.2):
        backend.blend([(trained, weight)], tmp_path / "blend.safetensors")
        away.append(distance(backend, JobKind.CANDIDATE, tmp_path / "blend.safetensors"))
    assert away == sorted(away)
    assert away[0] < 25 < away[-1]


@pytest.mark.parametrize(("base", "version"), [("illustrious", "SDXL"), ("puppet", "SD1"), ("klein", "Unknown")])
def test_weights_are_written_for_the_base_of_the_run(tmp_path, base, version):
    grammar = grammar_of_preset(base)
    Image.new("RGB", (64, 64), COLOR).save(tmp_path / "seed.png")
    items, backend = [TrainItem(str(tmp_path / "seed.png"), ("rubychr",), "seed")], FakeBackend(grammar=grammar)
    path = backend.train(items, TrainRecipe(), tmp_path, lambda event: None).path
    assert grammar_of(metadata_of(path)["modelspec.architecture"], grammars()).interface == version
    assert distance(backend, JobKind.CANDIDATE, path) < 25
