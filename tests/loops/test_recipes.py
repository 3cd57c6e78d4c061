"""The examples of CONTRIBUTING.md work as they are written there."""

import importlib
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.backends.architectures import ARCHITECTURES
from bootstrap.backends.fake import FakeBackend
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.runs.run_models import RunModels
from bootstrap.shots import Planner, quotas
from bootstrap.store.store import Store
from scoring import SCORERS
from scoring.measurement import Picture
from tests.test_architecture import ROOMS

GUIDE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
SWORD = Character(name="Sword", trigger="swordthing", kind="prop", invariant={"blade": "blue blade"})


def example(recipe, language="python"):
    """The code of a recipe."""
    section = GUIDE.split(f"### {recipe}\n")[1].split("\n### ")[0]
    (code,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return code


def test_the_rooms_stand_in_the_order_that_the_tests_hold():
    listed = re.search(r"\n\n((?:    [a-z ]+\n)+)\n", GUIDE.split("**Rooms.**")[1])[1]
    assert tuple(listed.split()) == ROOMS


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The code of a recipe in a file of its own, imported."""

    def imported(recipe):
        (tmp_path / "example_of_recipe.py").write_text(example(recipe), encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "example_of_recipe", raising=False)
        return importlib.import_module("example_of_recipe")

    return imported


def test_a_scorer_is_a_class_and_a_line_of_the_table(module, monkeypatch, tiny, call, tmp_path):
    warmth = module("Add a scorer").Warmth
    monkeypatch.setitem(SCORERS, "warmth", warmth)
    settings = load("puppet", overrides=["panel.scorers.warmth.least=0.1"]).panel.scorers["warmth"]
    scorer = warmth.make("warmth", settings, None)
    red, blue = (Picture(Image.new("RGB", (8, 8), color), color, "front", "") for color in ("red", "blue"))
    warm, cold = scorer.score([red, blue])
    assert (warm.why, cold.why) == ("", "too cold")
    done = call("run", *tiny, "--set", "panel.scorers.warmth.least=0.1", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    with Store.open(tmp_path / "run", exclusive=False) as store:
        assert all("warmth" in row for row in store.measurements().values())


def test_an_architecture_is_a_line_of_the_table():
    """`tests/bootstrap/backends/test_toy_architecture.py` does the rest."""
    namespace = {"ARCHITECTURES": dict(ARCHITECTURES), "TOY": object()}
    exec(example("Add an architecture"), namespace)
    assert list(namespace["ARCHITECTURES"]) == [*ARCHITECTURES, "toy"]
    for named in re.findall(r"`(tests/[\w/]+\.py|bootstrap/[\w/]+\.py|scoring/[\w/]+\.py)`", GUIDE):
        assert (Path(__file__).parents[2] / named).is_file(), named


def test_a_drawer_is_a_class_that_a_run_draws_with(module, monkeypatch, tiny, call, tmp_path):
    swatches = module("Add a drawer").Swatches

    def open_models(config, run):
        return RunModels(swatches(), FakeBackend(config.base.sampling), fake_panel_models())

    monkeypatch.setattr("loops.open_engine.open_models", open_models)
    done = call("run", *tiny, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    with Store.open(tmp_path / "run", exclusive=False) as store:
        assert {frame.drawer for frame in store.frames()} == {"swatches"}


def test_a_kind_of_subject_is_a_file(tmp_path):
    (tmp_path / "prop.yaml").write_text(example("Add a kind of subject", "yaml"), encoding="utf-8")
    config = load("puppet", own={"subject": str(tmp_path / "prop.yaml")})
    shots = Planner(SWORD, config.views, config.subject).plan(quotas(12, config.views), [])
    assert {shot["light"] for shot in shots} == {"soft light", "hard light"}
    wording = Wording.of(SWORD, config)
    shot = next(shot for shot in shots if shot["background"] == "night")
    assert "blue blade" in wording.caption(shot, "style")
    assert "blue blade" not in wording.caption(shot, "character")
    assert shot["light"] not in wording.caption(shot, "style")
    with pytest.raises(KeyError):
        config.subject.phase("growing")
