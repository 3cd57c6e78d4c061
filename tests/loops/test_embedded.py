"""The real thing, small: the embedded base, its scorers and its LoRA, killed once and continued."""

import json

import pytest

from bootstrap.events import AdapterTrained
from bootstrap.records import JobKind
from bootstrap.runs.status import status
from bootstrap.store.store import Store
from tests.loops.embedded_run import arguments, made


@pytest.mark.slow
def test_killed_once_it_ends_with_the_same_pixels_scores_and_weights(whole_run, play, tmp_path):
    play(arguments(), tmp_path / "killed", kill_after=5)
    play(arguments(), tmp_path / "killed")
    assert made(tmp_path / "killed") == made(whole_run)


@pytest.mark.slow
def test_candidates_are_drawn_from_the_seed_and_decoys_from_portraits_of_others(whole_run):
    with Store.open(whole_run, exclusive=False) as store:
        (seed,) = store.seeds()
        shown = {kind: [one for f in store.frames(kind=kind) for one in f.job.references] for kind in JobKind}
        portraits = {frame.path for frame in store.frames(kind=JobKind.LOOKALIKE)}
        drawn_by = {frame.adapter for frame in store.frames(kind=JobKind.STRANGER)}
    assert {one.sha256 for one in shown[JobKind.CANDIDATE]} == {seed.sha256}
    assert {one.path for one in shown[JobKind.STRANGER]} <= portraits
    assert drawn_by >= {"r01-style"}
    assert not [*shown[JobKind.LOOKALIKE], *shown[JobKind.PROBE]]


@pytest.mark.slow
def test_every_scorer_speaks_or_says_why_not(whole_run):
    with Store.open(whole_run, exclusive=False) as store:
        answers = [a for values in store.measurements().values() for a in values.items()]
        assert {"clip", "face", "held-out", "view", "traits", "defects", "copy"} <= {name for name, _ in answers}
        assert all(answer.value is not None or answer.why for _, answer in answers)
        assert not [answer.why for _, answer in answers if answer.why.startswith("error")]
        trained = [event for event in store.events() if isinstance(event, AdapterTrained)]
        assert trained[0].pictures == 4  # the seed, two tighter crops, a grey copy
        facts = json.loads(json.dumps(status(store)))
    assert facts["finished"]
    assert facts["seeds"] == 1
    assert set(facts["view_families"]) == {"front", "three-quarter", "profile", "behind", "above", "below"}


@pytest.mark.slow
def test_files_for_other_trainers_tell_what_the_loaded_base_predicts(whole_run):
    (file,) = (whole_run / "dataset").rglob("sd-scripts.toml")
    assert "--v_parameterization --zero_terminal_snr" in file.read_text(encoding="utf-8")
