"""Is the advised weight right: a finished run of the fake backend, and a table of made-up rows."""

import json

import pytest

from bootstrap.errors import UsageError
from tests.benchmarks.puppetbench import advised
from tests.benchmarks.puppetbench.contestants import ours
from tests.benchmarks.puppetbench.made_up import TINY, Truth
from tests.benchmarks.puppetbench.stage import Stage


def test_a_finished_lora_is_drawn_at_every_weight_and_judged(tmp_path):
    stage = Stage(80_000_001, tmp_path / "characters" / "80000001", TINY)
    stage.truth = Truth()
    try:
        ours(stage)
        advised.measure(stage, tmp_path)
    finally:
        stage.close()
    row = json.loads(advised.row_file(tmp_path, 80_000_001).read_text())
    assert set(row["likeness"]) == {"1", "0.8", "0.6"}
    assert len(set(row["likeness"].values())) > 1
    assert f"{row['advised']:g}" in row["likeness"]
    assert 0 < row["share"] < 1
    assert "| Ada |" in advised.publish(tmp_path)


def test_the_table_counts_where_the_advice_is_right(tmp_path):
    with pytest.raises(UsageError, match="has tried its LoRA"):
        advised.publish(tmp_path)
    for number, weight in enumerate((1.0, 0.6)):
        row = {"name": f"n{number}", "advised": weight, "share": 0.03, "likeness": {"1": 0.7, "0.8": 0.704, "0.6": 0.6}}
        advised.row_file(tmp_path, number).parent.mkdir(exist_ok=True)
        advised.row_file(tmp_path, number).write_text(json.dumps(row))
    assert "| n0 | 0.700 | 0.704 | 0.600 | 1 | 0.004 | 3 % |" in advised.publish(tmp_path)
    assert "Within 0.005 of the best: 1 of 2." in advised.publish(tmp_path)
