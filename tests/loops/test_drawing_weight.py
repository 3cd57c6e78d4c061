"""The weight at which the LoRA of a round draws is tried on a probe, stored and followed."""

import pytest

from bootstrap.config import load
from bootstrap.config.estimate import cost_of
from bootstrap.records import JobKind
from bootstrap.store.decisions import DrawingWeightChosen
from bootstrap.store.store import Store
from loops.drawing_weight import Drew, best_weight

BASE = Drew([True, True], {"clip": 0.25, "dino": 0.5})


@pytest.mark.parametrize(
    ("passed", "best"),
    [
        ({0.5: (True, True), 1.0: (True, True)}, 1.0),  # nothing is lost: the most alike
        ({0.5: (True, True), 1.0: (True, False)}, 1.0),  # equal yields: the higher weight
        ({0.5: (True, True), 1.0: (False, False)}, 0.5),
    ],
)
def test_the_weight_whose_pictures_pass_and_are_alike_draws(passed, best):
    likeness = {0.5: {"clip": 0.5, "dino": 0.75}, 1.0: {"clip": 0.75, "dino": 1.0}}
    tried = {weight: Drew(passed[weight], likeness[weight]) for weight in passed}
    found, yields = best_weight(tried, BASE)
    assert found == best
    assert yields[0.5] == 0.5


def test_what_is_no_more_alike_than_the_base_is_worth_nothing():
    found, yields = best_weight({0.5: Drew([True], {"clip": 0.1}), 1.0: Drew([True], {"clip": 0.2})}, BASE)
    assert yields == {0.5: 0.0, 1.0: 0.0}
    assert found == 1.0


def test_a_run_draws_at_the_weight_that_was_found(tiny, tmp_path, call, monkeypatch):
    monkeypatch.setattr("loops.drawing_weight.best_weight", lambda tried, base: (0.5, dict.fromkeys(tried, 0.0)))
    words = ["run", *tiny, "--set", "loop.drawing_weights=[0.5,1.0]", "--out", str(tmp_path / "run")]
    done = call(*words)
    assert done.code == 0, done.err
    assert 'the LoRA "r01-style" draws at weight 0.5' in " ".join(done.err.split())
    with Store.open(tmp_path / "run", exclusive=False) as store:
        assert {one.weight for one in store.decisions(DrawingWeightChosen)} == {0.5}
        tried, drawn = store.frames(kind=JobKind.TRIAL), store.frames(kind=JobKind.CANDIDATE)
    assert {frame.adapter for frame in tried if frame.job.round == 1} >= {"", "r01-style@0.5", "r01-style"}
    assert all(frame.adapter.endswith("@0.5") for frame in drawn)


def test_the_estimate_counts_what_is_tried():
    pictures = {}
    for weights in ("[1.0]", "[0.5]", "[0.5,1.0]"):
        config = load("puppet", overrides=["base.reference=null", f"loop.drawing_weights={weights}"])
        pictures[weights] = cost_of(config, 1, 1000, 1.0).pictures
    assert pictures["[1.0]"] == pictures["[0.5]"] < pictures["[0.5,1.0]"]
