"""The real thing, small: the embedded base, its scorers and its LoRA, killed once and continued."""

import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from bootstrap.events import AdapterTrained
from bootstrap.records import JobKind
from bootstrap.runs.status import status
from bootstrap.store.store import Store

RUBY = Path(__file__).parent.parent.parent / "configs" / "characters" / "ruby"
SMALL = [
    "loop.target=2",
    "loop.goals=[1]",
    "loop.rounds=2",
    "loop.waves=1",
    "loop.drawer=newest",
    "loop.lookalikes=1",
    "loop.exchanged=1",
    "loop.most_decoys=1",
    "loop.candidates_a_place=2",
    "loop.showcase=1",
    "loop.acceptance.weights=[]",
    "loop.final_candidates=2",
    "loop.acceptance.weights=[0.8]",
    "loop.acceptance.unseen=0",
    "base.reference.with_lora=true",
    "base.sampling.steps=4",
    "base.sampling.batch_size=4",
    "base.recipes.style.steps=4",
    "base.recipes.character.steps=4",
    "base.recipes.style.batch_size=2",
    "base.recipes.character.batch_size=2",
]


def arguments():
    options = [part for text in SMALL for part in ("--set", text)]
    return [str(RUBY / "seed.png"), str(RUBY / "character.json"), *options]


def made(folder):
    with Store.open(folder, exclusive=False) as store:
        weights = {a.id: load_file(folder / a.path) for a in store.adapters()}
        frames = {f.job.id: f.digest for f in store.frames()}
        return frames, store.measurements(), {k: v.kind for k, v in store.verdicts().items()}, weights


@pytest.fixture(scope="module")
def whole_run(play, tmp_path_factory):
    """The folder of an undisturbed run; copy it before you touch it."""
    folder = tmp_path_factory.mktemp("embedded") / "run"
    play(arguments(), folder)
    return folder


@pytest.mark.slow
def test_killed_once_it_ends_with_the_same_pixels_scores_and_weights(whole_run, play, tmp_path):
    play(arguments(), tmp_path / "killed", kill_after=5)
    play(arguments(), tmp_path / "killed")
    whole, killed = made(whole_run), made(tmp_path / "killed")
    assert whole[0] == killed[0]
    assert whole[1] == killed[1]
    assert whole[2] == killed[2]
    assert whole[3].keys() == killed[3].keys()
    for name, tensors in whole[3].items():
        assert all((tensors[key] == killed[3][name][key]).all() for key in tensors)


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
