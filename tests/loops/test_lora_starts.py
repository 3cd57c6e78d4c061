"""When the LoRA of a round joins the base is tried on a probe, stored and followed."""

import pytest

from bootstrap.config import load
from bootstrap.config.estimate import cost_of
from bootstrap.config.stored import stored_config
from bootstrap.records import JobKind
from bootstrap.store.decisions import LoraStartChosen
from bootstrap.store.store import Store
from loops.lora_starts import Drew, best_start

BASE = Drew([True, True], {"clip": 0.25, "dino": 0.5})


@pytest.mark.parametrize(
    ("passed", "best"),
    [
        ({0.0: (True, True), 0.5: (True, True)}, 0.0),  # nothing is lost: the most alike
        ({0.0: (True, False), 0.5: (True, True)}, 0.0),  # equal yields: the earlier
        ({0.0: (False, False), 0.5: (True, True)}, 0.5),
    ],
)
def test_the_share_whose_pictures_pass_and_are_alike_draws(passed, best):
    likeness = {0.5: {"clip": 0.5, "dino": 0.75}, 0.0: {"clip": 0.75, "dino": 1.0}}
    tried = {start: Drew(passed[start], likeness[start]) for start in passed}
    found, yields = best_start(tried, BASE)
    assert found == best
    assert yields[0.5] == 0.5


def test_what_is_no_more_alike_than_the_base_is_worth_nothing():
    found, yields = best_start({0.5: Drew([True], {"clip": 0.1}), 0.0: Drew([True], {"clip": 0.2})}, BASE)
    assert yields == {0.5: 0.0, 0.0: 0.0}
    assert found == 0.0


def test_a_run_draws_with_the_share_that_was_found(tiny, tmp_path, call, monkeypatch):
    monkeypatch.setattr("loops.lora_starts.best_start", lambda tried, base: (0.5, dict.fromkeys(tried, 0.0)))
    done = call("run", *tiny, "--set", "loop.lora_starts=[0,0.5]", "--out", str(tmp_path / "run"))
    assert done.code == 0, done.err
    assert 'the LoRA "r01-style" joins after 0.5 of the steps' in " ".join(done.err.split())
    with Store.open(tmp_path / "run", exclusive=False) as store:
        assert {one.start for one in store.decisions(LoraStartChosen)} == {0.5}
        tried = [frame for frame in store.frames(kind=JobKind.TRIAL) if frame.job.round == 1]
        drawn = {kind: {job.lora_start for job in store.jobs(kind=kind)} for kind in JobKind}
    assert {(frame.adapter, frame.job.lora_start) for frame in tried} == {("", 0), ("r01-style", 0), ("r01-style", 0.5)}
    assert drawn[JobKind.CANDIDATE] == {0.5}
    assert drawn[JobKind.LOOKALIKE] == drawn[JobKind.PROBE] == {0.0}, "neither the base alone nor a finished LoRA"


def test_the_estimate_counts_what_is_tried():
    pictures = {}
    for starts in ("[0]", "[0.5]", "[0,0.5]"):
        config = load("puppet", overrides=["base.reference=null", f"loop.lora_starts={starts}"])
        pictures[starts] = cost_of(config, 1, 1000, 1.0).pictures
    assert pictures["[0]"] == pictures["[0.5]"] < pictures["[0,0.5]"]


def test_a_run_that_was_begun_with_weights_to_draw_at_can_be_read():
    config = load("puppet")
    text = config.model_dump_json().replace('"lora_starts":[0.0]', '"drawing_weights":[0.4,1.0]')
    assert "drawing_weights" in text
    assert stored_config(text) == config
