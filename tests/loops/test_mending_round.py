"""One more round for the places in which the finished LoRA falls; and which LoRA is handed out after it."""

import shutil
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from bootstrap.compare.advice import advice_on
from bootstrap.events import RunEnded
from bootstrap.export.release import run_settings
from bootstrap.machine.clock import Clock
from bootstrap.machine.limits import limits_of
from bootstrap.runs.accepted import finished_lora
from bootstrap.store.decisions import Accepted, HandedOut, MendingPlanned
from bootstrap.store.store import Store
from loops.archive import Archive, cell_of
from loops.budget import Budget
from loops.mending_round import mending
from loops.time_left import Hours

WEAK = "behind", "portrait"


@pytest.fixture
def falls_behind(monkeypatch):
    """A finished LoRA that always falls from behind."""

    def falling(comparison, planned, kept):
        return replace(advice_on(comparison, planned, kept), add={WEAK: 2})

    monkeypatch.setattr("loops.acceptance.advice_on", falling)


def there(store):
    return [frame for frame in store.kept() if cell_of(frame) == WEAK]


def test_a_weak_place_gets_pictures_in_one_more_round(tiny, grown, call, tmp_path, falls_behind):
    run, given = tmp_path / "run", [*tiny, "--set", "loop.mend_rounds=1"]
    done = call("run", *given, "--out", run)
    assert done.code == 0, done.err
    assert "round 3 was for places in which the finished LoRA fell (2 behind portrait); 'final-r0" in done.err
    with Store.open(grown, exclusive=False) as before, Store.open(run, exclusive=False) as store:
        assert [one.number for one in store.rounds()] == [1, 2, 3], "one and no more"
        assert len(there(store)) == len(there(before)) + 2
        assert len(store.kept()) == len(before.kept()) + 2
        assert store.decisions(MendingPlanned) == [MendingPlanned(3, "final-r03", {"behind/portrait": 2})]
        (chosen,) = store.decisions(HandedOut)
        assert (chosen.round, chosen.adapter) in ((4, "final-r04"), (4, "final-r03"))
        ended = [event.adapter for event in store.events() if isinstance(event, RunEnded)]
        assert ended == ["final-r03", chosen.adapter], "what was finished before it was whole"
        rounds, events = store.rounds(), len(store.events())
    assert call("run", *given, "--out", run).code == 0
    with Store.open(run, exclusive=False) as store:
        assert (store.rounds(), len(store.events())) == (rounds, events), "the same command changes nothing"


def test_the_lora_before_is_handed_out_where_it_draws_better(finished, call, falls_behind, monkeypatch):
    monkeypatch.setattr("loops.mending_round.best_of", lambda trials: 0)
    run, tiny = finished
    done = call("run", *tiny, "--set", "loop.mend_rounds=1", "--set", "loop.acceptance.weights=[0.9]", "--out", run)
    assert done.code == 0, done.err
    assert "'final-r03' is handed out (identity x control on the probe before and after: " in done.err
    with Store.open(run, exclusive=False) as store:
        lora = finished_lora(store)
        assert (lora.id, store.adapters()[-1].id) == ("final-r03", "final-r04")
        assert [event.adapter for event in store.events() if isinstance(event, RunEnded)][-1] == "final-r03"
    assert (run / "lora" / f"redchr-{lora.sha256[:8]}.safetensors").is_file()


@pytest.mark.parametrize(("loop", "hours", "pays", "planned"), [
    ({"mend_rounds": 1}, "100h", True, True),
    ({"mend_rounds": 1}, "100h", False, False),
    ({"mend_rounds": 0}, "100h", True, False),
    ({"mend_rounds": 1, "rounds": 2}, "100h", True, False),
    ({"mend_rounds": 1}, "1s", True, False),
])  # fmt: skip
def test_a_round_is_planned_within_the_limit_the_hours_and_the_purse(grown, tmp_path, loop, hours, pays, planned):
    run = shutil.copytree(grown, tmp_path / "run")
    with Store.open(run) as store:
        config = run_settings(store)[0]
        config = config.model_copy(update={"loop": config.loop.model_copy(update=loop)})
        adapter = finished_lora(store).id
        place = {"view_family": WEAK[0], "framing": WEAK[1], "pictures": 2}
        store.decide(Accepted(adapter, "tried anew", 1.0, {"add": [place]}))
        given = Budget(Hours(store, limits_of(hours, None), Clock()), 10, 1)
        archive = partial(Archive.of, store)
        engine = SimpleNamespace(
            store=store, config=config, budget=given, seeds=[], archive=archive, note=str, can_pay=pays
        )
        plan = mending(engine)
        assert (plan is not None) == planned == bool(store.decisions(MendingPlanned))
        assert plan is None or mending(engine) == plan, "decided once"
