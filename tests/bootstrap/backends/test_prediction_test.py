"""Noise or velocity, told by the weights: on the embedded base, which predicts velocity, and on its twin for noise."""

import json
from types import SimpleNamespace

import pytest
import torch

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.prediction_test import noise_answers
from bootstrap.backends.predictions import Prediction
from bootstrap.backends.samplers import sampler_for
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.tested_prediction import lines_by_test, settings_by_test
from bootstrap.puppets.shipped import base_dir

SETTINGS = SamplingSettings(dtype="float32", prediction_type="epsilon")


@pytest.fixture(scope="module")
def base():
    return LoadedBase(base_dir(), SETTINGS.model_copy(update={"prediction_type": None}), "cpu")


@pytest.fixture(scope="module")
def predictions(base):
    """The base's own prediction, the same as noise, and that of weights that were not trained."""
    signal = base.pipe.scheduler.alphas_cumprod

    def velocity(latents, steps):
        return base.unprompted(latents, steps)

    def noise(latents, steps):
        share = signal[steps].view(-1, 1, 1, 1)
        return share.sqrt() * velocity(latents, steps) + (1 - share).sqrt() * latents

    def untrained(latents, steps):
        return torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))

    return {"v_prediction": velocity, "epsilon": noise, "": untrained}


def sampler_settings(sampler):
    """The settings of a sampler, without diffusers' notes on them."""
    return {name: value for name, value in sampler.config.items() if not name.startswith("_")}


@pytest.mark.parametrize("kind", ["v_prediction", "epsilon", ""])
def test_the_answer_to_noise_tells_what_is_predicted(base, predictions, kind):
    shape = base.architecture.latents.shape(base.pipe, *base.resolution)
    answers = noise_answers(predictions[kind], base.pipe.scheduler.alphas_cumprod, shape, "cpu")
    assert answers.prediction_type == kind
    assert abs(answers.last - (kind == "epsilon")) < 0.25


def test_the_weights_decide_where_only_a_name_speaks(base, predictions, tmp_path, monkeypatch):
    folder = tmp_path / "some_vpred"
    (folder / "scheduler").mkdir(parents=True)
    schedules = []
    architecture = type("Stub", (), {"latents": base.architecture.latents, "set_schedule": staticmethod(
        lambda pipe, kind, zero: schedules.append((kind, zero)))})  # fmt: skip
    tested = settings_by_test(folder, base.pipe, architecture, SETTINGS, "cpu", predictions["v_prediction"])
    assert (tested.prediction_type, tested.zero_terminal_snr) == ("v_prediction", True)
    assert settings_by_test(folder, base.pipe, architecture, SETTINGS, "cpu", predictions[""]) == SETTINGS
    plain = tmp_path / "plain"
    assert settings_by_test(plain, base.pipe, architecture, SETTINGS, "cpu", predictions["v_prediction"]) == SETTINGS
    assert schedules == [("v_prediction", True)]


def test_a_sampler_is_fitted_to_what_only_the_weights_told(tmp_path):
    folder = tmp_path / "some_vpred"
    folder.mkdir()
    for part in base_dir().iterdir():
        if part.name != "scheduler":
            (folder / part.name).symlink_to(part)
    (folder / "scheduler").mkdir()
    schedule = json.loads((base_dir() / "scheduler/scheduler_config.json").read_text())
    schedule |= {"prediction_type": "epsilon", "rescale_betas_zero_snr": False, "timestep_spacing": "leading"}
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(schedule))
    given = SamplingSettings(dtype="float32", scheduler="dpm++_karras")
    base = LoadedBase(folder, given, "cpu")
    sampler = sampler_for(base.pipe, base.settings)
    assert not sampler.config.use_karras_sigmas
    known = LoadedBase(base_dir(), given, "cpu")
    assert sampler_for(known.pipe, known.settings).config.items() >= sampler_settings(sampler).items()
    assert base.drawn_with == known.drawn_with
    told = base.drawn_with
    assert (told.scheduler, told.prediction_type, told.zero_terminal_snr) == ("dpm++", "v_prediction", True)
    found, unfitting = lines_by_test("a_vpred", given, base.settings)
    assert found.startswith('"a_vpred" predicts velocity, down to pure noise: its weights show it')
    assert '"dpm++_karras" draws as "dpm++" does' in unfitting
    assert lines_by_test("a_vpred", given, given) == []


def test_a_name_that_the_weights_contradict_leaves_no_trace_in_the_schedule():
    from diffusers import DDIMScheduler

    plain = DDIMScheduler(timestep_spacing="leading", clip_sample=False)
    pipe = SimpleNamespace(scheduler=plain)
    for kind, zero_terminal_snr in (("v_prediction", True), ("epsilon", False)):
        ARCHITECTURES["sdxl"].set_schedule(pipe, kind, zero_terminal_snr)
    assert sampler_settings(pipe.scheduler) == sampler_settings(plain)


def test_a_wish_for_the_schedule_outlasts_the_test(base, predictions, monkeypatch):
    by_name = Prediction("v_prediction", True, "by its name", False)
    monkeypatch.setattr("bootstrap.backends.tested_prediction.prediction_of", lambda path: by_name)
    wished = SETTINGS.model_copy(update={"zero_terminal_snr": False})
    architecture = SimpleNamespace(latents=base.architecture.latents, set_schedule=lambda *given: None)
    tested = settings_by_test(base_dir(), base.pipe, architecture, wished, "cpu", predictions["v_prediction"])
    assert (tested.prediction_type, tested.zero_terminal_snr) == ("v_prediction", False)
