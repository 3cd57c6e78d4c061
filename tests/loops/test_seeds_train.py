"""Where a person keeps the seeds out of training, no training set holds them; identity is judged against them still."""

import json

import pytest

from bootstrap.backends.fake import FakeBackend
from bootstrap.character import Character
from bootstrap.events import Noted
from bootstrap.records import JobKind
from bootstrap.store.store import Store
from scoring.calibrate import Gate

ORIGINAL = {"seed", "crop", "altered"}


@pytest.fixture
def trained(monkeypatch):
    """Adapter → kinds of the pictures that it was trained on."""
    seen = {}
    train = FakeBackend.train

    def told(self, items, recipe, workdir, emit):
        seen[workdir.name] = {item.kind for item in items}
        return train(self, items, recipe, workdir, emit)

    monkeypatch.setattr(FakeBackend, "train", told)
    return seen


def choosing(tmp_path, choice):
    path = tmp_path / "character.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seeds_train": choice}))


def test_style_only_keeps_originals_out_of_the_finished_lora(tiny, call, trained, tmp_path):
    choosing(tmp_path, "style-only")
    assert call("run", *tiny, "--out", tmp_path / "run").code == 0
    style = {kinds >= {"seed"} for name, kinds in trained.items() if "style" in name}
    assert style == {True}
    others = [kinds for name, kinds in trained.items() if "style" not in name]
    assert others
    assert not any(kinds & ORIGINAL for kinds in others)


def test_never_keeps_them_out_of_every_lora_and_the_base_draws_first(tiny, call, trained, tmp_path, monkeypatch):
    choosing(tmp_path, "never")
    # blocks of one colour are no more alike than the base's other blocks: what the gate lets through is not asked here
    monkeypatch.setattr(Gate, "admit", lambda self, view_family, p: set(p))
    done = call("run", *tiny, "--set", "loop.exchanged=4", "--out", tmp_path / "run")
    assert trained
    assert not any(kinds & ORIGINAL for kinds in trained.values())
    with Store.open(tmp_path / "run", exclusive=False) as store:
        assert {frame.adapter for frame in store.frames(1)} == {""}
        first = store.jobs(1, kind=JobKind.CANDIDATE)
        assert all("red hair" in job.prompt for job in first)
        assert store.jobs(1, kind=JobKind.EXCHANGED)  # the base's own drawings are no test for the base's drawings
        assert any("the base draws from words alone" in e.text for e in store.events() if isinstance(e, Noted))
    assert done.code == 0, done.err


def test_when_nothing_was_kept_at_all_one_line_says_why_there_is_no_lora(tiny, call, trained, tmp_path):
    choosing(tmp_path, "never")
    settings = ["loop.gate_level=0.0001", "loop.provisional_share=0"]
    done = call("run", *tiny, *(p for text in settings for p in ("--set", text)), "--out", tmp_path / "run")
    assert done.code == 1
    assert '"seeds_train": "never"' in done.line


@pytest.mark.parametrize(
    ("choice", "phases"), [("always", ("style", "character")), ("style-only", ("style",)), ("never", ())]
)
def test_which_phases_train_on_seeds(choice, phases):
    character = Character(name="A", trigger="achr", invariant={"hair": "red hair"}, seeds_train=choice)
    assert tuple(phase for phase in ("style", "character") if character.trains_seeds(phase)) == phases
