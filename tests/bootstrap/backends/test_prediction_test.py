"""Noise or velocity, told by the weights: on the embedded base, which predicts velocity, and on its twin for noise."""

import pytest
import torch

from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.prediction_test import noise_answers
from bootstrap.backends.sampling import SamplingSettings
from bootstrap.backends.tested_prediction import settings_by_test
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
