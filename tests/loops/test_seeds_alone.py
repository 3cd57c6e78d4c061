"""A LoRA on the seeds alone beside that of the finished set: which is handed out, and that it comes back when lost."""

import json

import pytest

from bootstrap.backends.fake import FakeBackend
from bootstrap.config import load
from bootstrap.config.estimate import cost_of
from bootstrap.lora.header import metadata_of
from bootstrap.records import Adapter
from bootstrap.runs.accepted import finished_lora
from bootstrap.store.decisions import FinalCandidates
from bootstrap.store.store import Store
from tests.loops.conftest import TINY, described

FEW = ["loop.target=2", "loop.goals=[]", "loop.rounds=1", "loop.waves=1", "loop.lookalikes=4", "loop.showcase=0"]
WORDS = [*TINY, *FEW, "loop.final_candidates=1", "loop.early_checkpoints=0", "loop.seeds_alone=true"]


@pytest.fixture
def played(tmp_path, call, monkeypatch):
    """Plays a run in which the weights at a place of the probe are the best; again for the same run."""

    def play(place):
        monkeypatch.setattr("loops.final.best_of", lambda trials: range(len(trials))[place])
        done = call("run", *described(tmp_path, WORDS), "--out", tmp_path / "run")
        assert done.code == 0, done.line
        return tmp_path / "run"

    return play


def handed_out(run):
    with Store.open(run, exclusive=False) as store:
        return finished_lora(store), store.decisions(FinalCandidates)[-1].tried


def test_that_of_the_seeds_stands_where_the_set_draws_no_better(played, monkeypatch):
    trained, train = {}, FakeBackend.train

    def train_noting(self, items, recipe, workdir, emit):
        trained[workdir.name] = {item.kind for item in items}
        return train(self, items, recipe, workdir, emit)

    monkeypatch.setattr(FakeBackend, "train", train_noting)
    run = played(-1)
    chosen, tried = handed_out(run)
    assert chosen.of_seeds
    assert [one.id for one in tried] == [Adapter.seeds_id(chosen.round), Adapter.final_id(chosen.round)]
    assert {one.training for one in tried} == {Adapter.final_id(chosen.round)}
    assert trained[chosen.id] == {"seed"}, "no crop, no altered copy, nothing drawn"
    assert "kept" in trained[Adapter.final_id(chosen.round)]
    (shipped,) = (run / "lora").glob("redchr-*.safetensors")
    metadata = metadata_of(shipped)
    assert metadata["ss_steps"] == str(chosen.steps)
    assert set(json.loads(metadata["ss_tag_frequency"])) == {"seeds"}, "nothing that was drawn taught it"
    assert "trained on the originals alone" in (run / "lora" / "README.md").read_text()
    assert list((run / "dataset").glob("*/*.txt")), "the set is handed out as well"


def test_that_of_the_set_stands_where_it_draws_better(played):
    chosen, tried = handed_out(played(0))
    assert not chosen.of_seeds
    assert len(tried) == 2


def test_lost_it_is_trained_again_on_the_seeds_alone(played):
    run = played(-1)
    chosen, tried = handed_out(run)
    for one in tried:
        (run / one.path).unlink()
    for file in (run / "lora").glob("*.safetensors"):
        file.unlink()
    again, _ = handed_out(played(-1))
    assert (again.id, again.steps) == (chosen.id, chosen.steps)
    assert (run / again.path).is_file()


def test_it_is_one_training_more():
    plain, more = load("puppet"), load("puppet", overrides=["loop.seeds_alone=true"])
    assert cost_of(more, 1, 1, 0).steps > cost_of(plain, 1, 1, 0).steps
    assert cost_of(more, 1, 1, 0).pictures > cost_of(plain, 1, 1, 0).pictures
