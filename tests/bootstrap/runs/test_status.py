from __future__ import annotations

import json

from bootstrap.config import load
from bootstrap.events import RoundBegan, RunEnded
from bootstrap.runs.status import status
from bootstrap.store.store import Store


def test_status_counts_and_is_json(store: Store) -> None:
    facts = json.loads(json.dumps(status(store)))
    assert (facts["kept"], facts["provisional"], facts["seeds"], facts["frames"], facts["target"]) == (
        12,
        12,
        1,
        48,
        48,
    )
    assert facts["view_families"]["front"] == {"kept": 6, "provisional": 0, "quota": None}
    assert [one["kept"] for one in facts["rounds"]] == [6, 6]
    assert facts["framings"]["portrait"] == {"kept": 12, "provisional": 12, "quota": None}
    assert facts["seconds"] == {"train": 120.0, "generate": 10.0}
    assert facts["adapters"] == ["a1.safetensors", "a2.safetensors"]
    assert (facts["phase"], facts["finished"]) == ("style", False)


def test_a_run_is_finished_until_another_round_begins(store: Store) -> None:
    store.append_event(RunEnded(12, 12, "a2", "report.html"))
    assert status(store)["finished"]
    store.append_event(RoundBegan(3, "character", 12, 48))
    assert not status(store)["finished"]


def test_quotas_come_from_the_remembered_configuration(store: Store) -> None:
    config = load("puppet")
    store.remember("config", config.model_dump_json())
    quotas = [view_family["quota"] for view_family in status(store)["view_families"].values()]
    assert sum(quotas) == config.loop.target
    assert sum(framing["quota"] for framing in status(store)["framings"].values()) == config.loop.target
    store.remember("config", '{"of": "another version"}')
    assert status(store)["view_families"]["front"]["quota"] is None
