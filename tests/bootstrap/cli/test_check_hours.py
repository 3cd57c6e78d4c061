"""bootstrap check says what fits into the hours that a person gives, and refuses what is no time."""

import json

import pytest
from PIL import Image

from bootstrap.cli import check_cost
from bootstrap.config import load
from bootstrap.config.estimate import cost_of, rounds_that_fit
from bootstrap.machine import inventory as machine
from bootstrap.machine.inventory import Accelerator
from bootstrap.machine.limits import duration_of


@pytest.fixture
def given(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "accelerator", lambda: Accelerator("cpu", "two cores", 16.0))
    monkeypatch.setattr(check_cost, "flops_of", lambda kind: 1e11)
    seed = Image.new("RGB", (128, 128), "red")
    seed.paste("blue", (20, 20, 60, 70))
    seed.save(tmp_path / "seed.png")
    about = {"name": "Mika", "trigger": "mkachr", "base": "puppet", "invariant": {"hair": "pale blue hair"}}
    (tmp_path / "character.json").write_text(json.dumps(about))
    return [tmp_path / "seed.png", tmp_path / "character.json", "--out", tmp_path / "run"]


def test_what_fits_is_said(given, call):
    done = call("check", *given, "--budget", "20h")
    assert done.code == 0, done.err
    assert "hours      20 hours" in done.out
    assert "rounds fit" in done.out
    assert "too short for a whole round" in call("check", *given, "--budget", "5s").out
    assert "over at 07:30" in call("check", *given, "--until", "7:30").out
    assert "hours  " not in call("check", *given).out


def test_no_time_is_a_problem_like_any_other(given, call):
    done = call("check", *given, "--budget", "soon")
    assert done.code == 2
    assert '--budget "soon" is no length of time' in done.err


def test_the_more_time_the_more_rounds():
    config = load("puppet", overrides=["base.reference=null"])
    whole = cost_of(config, 1, 10**7, 1e11).seconds
    fits = [rounds_that_fit(config, 1, 10**7, 1e11, share * whole) for share in (0.01, 0.8, 1.0, 3.0)]
    assert fits == sorted(fits)
    assert (fits[0], fits[-1]) == (0, 3)


LENGTHS = [("8h", 28800), ("1h30m", 5400), ("90 min", 5400), ("45s", 45), ("2d", 172800)]


@pytest.mark.parametrize(("text", "seconds"), LENGTHS)
def test_lengths_of_time_as_people_write_them(text, seconds):
    assert duration_of(text) == seconds
