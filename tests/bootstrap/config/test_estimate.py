"""What a run costs follows from its settings; words that nobody knows are named."""

import numpy as np
import pytest

from bootstrap.config import embedded, load
from bootstrap.config.estimate import cost_of, duration, flops_of, parameters_in, rounds_expected

CONFIG = load("puppet")


def test_pictures_and_steps_are_about_those_of_the_demonstration():
    cost = cost_of(CONFIG, seeds=1, parameters=8_000_000, speed=5.5e10)
    assert 1400 < cost.pictures < 3000
    assert 1400 < cost.steps < 2400
    assert 300 < cost.seconds < 900
    assert cost.disk < 1


def test_decoys_that_nothing_calibrates_cost_nothing():
    both = load("puppet", overrides=["loop.calibrate_on=both"])
    assert cost_of(both, 1, 10**6, 1e9).pictures > cost_of(CONFIG, 1, 10**6, 1e9).pictures + 1000


def test_a_smaller_target_costs_less_and_no_speed_gives_no_time():
    small = load("puppet", overrides=["loop.target=8"])
    assert rounds_expected(small.loop) == 1
    assert rounds_expected(CONFIG.loop) == 3
    assert cost_of(small, 1, 10**6, 1e9).seconds < cost_of(CONFIG, 1, 10**6, 1e9).seconds
    assert cost_of(CONFIG, 1, 10**6, 0.0).seconds == 0.0


def test_weights_are_counted_without_reading_them(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros((3, 4), np.float16), "b": np.zeros(5, np.float32)}, tmp_path / "m.safetensors")
    assert parameters_in(tmp_path) == 17
    (tmp_path / "broken.safetensors").write_bytes(b"x")
    assert parameters_in(tmp_path) == 17
    assert parameters_in(embedded("embedded:base") / "unet") > 1_000_000


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "less than a minute"), (60, "1 minute"), (640, "11 minutes"), (10_000, "3 hours"), (200_000, "2 days")],
)
def test_durations_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said


def test_the_machine_has_a_speed():
    assert flops_of("cpu") > 1e8
