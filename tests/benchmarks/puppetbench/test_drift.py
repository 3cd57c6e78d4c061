"""Drift on the fake backend: rounds of both ways as rows, played once, and what the rule says of made-up outcomes."""

import json

import numpy as np
import pytest

from bootstrap.config import LoopConfig
from bootstrap.records import RoundOutcome
from tests.benchmarks.puppetbench import drift, rows
from tests.benchmarks.puppetbench.curves import Curve, chart
from tests.benchmarks.puppetbench.drifting import plans, stop_reason
from tests.benchmarks.puppetbench.made_up import TINY, Truth
from tests.benchmarks.puppetbench.measures import saturation
from tests.benchmarks.puppetbench.stage import Stage

ROUNDS = 3


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A work folder in which both ways played three rounds of one character."""
    work = tmp_path_factory.mktemp("drift")
    stage = Stage(80_000_001, work / "characters" / "1", TINY)
    stage.truth = Truth()
    drift.play(stage, tuple(drift.WAYS), ROUNDS, work)
    yield stage, work
    stage.close()


def test_every_round_of_both_ways_is_a_row(played):
    _, work = played
    found = rows.read_folder(work)
    assert [row["contestant"] for row in found] == [f"{way}-r{n:02d}" for way in ("ours", "topk") for n in (1, 2, 3)]
    assert [row["goal"] for row in found] == [2, 4, 5] * 2
    assert all(0 <= row["saturation"] <= 1 and row["all"]["diversity"] >= 1 for row in found)


def test_ours_goes_on_growing_and_the_other_replaces(played):
    _, work = played
    found = rows.read_folder(work)
    kept = {way: [row["kept"] for row in found if row["way"] == way] for way in drift.WAYS}
    assert kept["ours"] == sorted(kept["ours"])
    assert kept["ours"][-1] > 0
    assert kept["topk"] == [4, 4, 4]


def test_a_round_is_played_once(played):
    stage, work = played
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")}
    lost = rows.row_path(work, stage.number, "topk-r02")
    text = lost.read_text()
    lost.unlink()
    for store in stage.stores[1:]:
        store.close()
    drift.play(stage, tuple(drift.WAYS), ROUNDS, work)
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")} == before
    assert rows.read(work, stage.number, "topk-r02")["likeness"] == json.loads(text)["likeness"]


def test_table_and_plot_tell_when_the_rule_stops(played):
    _, work = played
    text = drift.publish(work)
    assert text.count("| ours |") == ROUNDS + 1
    assert (work / "drift.png").is_file()
    stopped = [{**row, "stops": "drift" if row["round"] == 2 else ""} for row in rows.read_folder(work)]
    assert "| 2 (drift), " in drift.markdown_of(stopped)
    assert drift.curve_of(stopped, "topk", drift.MEASURES["saturation"]).rings == (2.0,)


def test_goals_go_on_beyond_the_target():
    plan = plans(LoopConfig(), 5)
    assert [(one.phase, one.goal) for one in plan] == [
        ("style", 16), ("style", 40), ("character", 48), ("character", 60), ("character", 72),
    ]  # fmt: skip


def outcome(held_out, new=20):
    strata = {f"front/{n}": [10.0, held_out, 0.01] for n in range(3)}
    return RoundOutcome(new, new, 100, held_out, held_out_strata=strata)


def test_the_rule_is_asked_as_the_loop_asks_it():
    plan = plans(LoopConfig(), 3)
    assert stop_reason([outcome(0.8), outcome(0.79)], plan) == ""
    assert stop_reason([outcome(0.8), outcome(0.5)], plan) == "drift"
    assert stop_reason([outcome(0.8), outcome(0.8, new=1)], plan) == "nothing new"


def test_saturation_of_grey_is_none_and_of_red_all():
    assert saturation(np.full((1, 4, 4, 3), 77, np.uint8)) == 0
    assert saturation(np.full((1, 4, 4, 3), (200, 0, 0), np.uint8)) == 1


def test_a_chart_marks_its_rings_and_holds_panels_without_points():
    ringed, plain = (
        chart({"a": [Curve("one", "#ff0000", [(1, 0.5), (2, 0.7)], rings)], "b": []}, "round") for rings in ((2.0,), ())
    )
    assert ringed.size == plain.size
    assert ringed.tobytes() != plain.tobytes()
