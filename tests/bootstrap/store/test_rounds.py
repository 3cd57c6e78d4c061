"""Rounds and their outcomes as they are stored, those of early versions too; and the ids of what a round trains."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from bootstrap.records import Adapter, Round, RoundOutcome
from bootstrap.store.store import Store

OUTCOME = RoundOutcome(
    kept=9,
    new=4,
    candidates=40,
    held_out=0.7,
    held_out_error=0.01,
    selecting=0.6,
    held_out_strata={"front/portrait": [3.0, 0.7, 0.02]},
    selecting_strata={},
)


def test_an_outcome_is_read_back_as_it_was_written(run: Path) -> None:
    with Store.open(run, create=True) as store:
        store.begin_round(1, "style", 16)
        assert store.rounds() == [Round(1, "style", 16)]
        store.end_round(1, OUTCOME)
    with Store.open(run) as store:
        assert store.rounds() == [Round(1, "style", 16, OUTCOME)]


def test_what_an_early_version_wrote_is_read_as_far_as_it_is_known(run: Path) -> None:
    with Store.open(run, create=True) as store:
        store.begin_round(1, "style", 16)
    early = json.dumps({"kept": 9, "new": 4, "candidates": 40, "held_out": None, "threshold": 0.9, "notes": ["x"]})
    with sqlite3.connect(run / "run.db") as db:
        db.execute("UPDATE rounds SET outcome = ?, checksum = NULL", (early,))
    with Store.open(run) as store:
        assert store.rounds()[0].outcome == RoundOutcome(kept=9, new=4, candidates=40)


def test_an_id_says_which_training_left_the_weights() -> None:
    assert Round(1, "style", 16).adapter == Adapter.round_id(1, "style") == "r01-style"
    final = Adapter.final_id(3)
    ids = {id: Adapter(id, "character", 3, "a", "b", 10, 0.5) for id in (final, Adapter.step_id(final, 500))}
    assert set(ids) == {"final-r03", "final-r03-step500"}
    assert all(one.is_final and one.training == final for one in ids.values())
    early = Adapter("r01-style", "style", 1, "a", "b", 10, 0.5)
    assert (early.is_final, early.training) == (False, "r01-style")
