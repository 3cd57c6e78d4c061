"""What a run computes once and not for every picture, counted."""

import pytest

from bootstrap.records import PREVIEW_KINDS
from bootstrap.store.store import Store
from loops.engine import Engine
from loops.training_set import TrainingSets


@pytest.fixture
def counted(monkeypatch):
    """Count the calls of a public method."""

    def count(owner, name):
        calls, method = [], getattr(owner, name)

        def counting(self, *given, **named):
            calls.append(given)
            return method(self, *given, **named)

        monkeypatch.setattr(owner, name, counting)
        return calls

    return count


def test_named_traits_are_found_once_a_wave_and_training_sets_are_composed_no_oftener(tiny, call, tmp_path, counted):
    named, composed = counted(TrainingSets, "named_traits"), counted(TrainingSets, "items")
    floor = ["--set", "base.recipes.character.rare_tag_floor=2"]
    assert call("run", *tiny, *floor, "--out", tmp_path / "run").code == 0
    with Store.open(tmp_path / "run", exclusive=False) as store:
        jobs = [job for job in store.jobs() if job.kind not in PREVIEW_KINDS]
        waves = {(job.round, job.wave) for job in jobs}
        trainings = len(store.adapters())
    assert len(jobs) > 50
    assert len(named) == len(waves) + 2, "and once each for the previews and the acceptance"
    assert len(composed) <= len(named) + trainings


def test_which_round_s_adapter_draws_is_decided_once_a_round(tiny, call, tmp_path, counted):
    decided, read = counted(Engine, "drawing_round"), counted(Store, "rounds")
    assert call("run", *tiny, "--out", tmp_path / "run").code == 0
    with Store.open(tmp_path / "run", exclusive=False) as store:
        rounds = len(store.rounds())
        pictures = len(store.frames())
    assert len(decided) == rounds + 1, "and once to find that no further round is played"
    assert len(read) < pictures / 2, "the store is not asked for every picture"
