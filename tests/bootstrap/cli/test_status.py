"""`bootstrap status`: the same facts for a person and for scripts."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from bootstrap.cli import app as commands
from bootstrap.config import load
from bootstrap.events import RunBegan, RunEnded
from bootstrap.store.store import Store


def status(store: Store, *options: str) -> str:
    result = CliRunner().invoke(commands.app, ["status", str(store.directory), *options], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    return result.stdout


def test_scripts_get_everything_that_the_bars_ask_for(store: Store) -> None:
    store.remember("peak_memory", json.dumps({"process": 300 * 2**20, "device": 0}))
    facts = json.loads(status(store, "--json"))
    assert (facts["kept"], facts["provisional"], facts["target"]) == (3, 1, 4)
    assert facts["missing_view_families"] == ["three-quarter", "above", "below"]
    assert facts["view_families"]["behind"]["provisional"] == 1
    assert (facts["peak_memory_mib"], facts["peak_device_memory_mib"]) == (300.0, None)
    assert facts["total_seconds"] == sum(facts["seconds"].values()) == 120.0
    assert facts["now"]["stage"] == "choosing"
    assert not facts["finished"]


def test_a_person_gets_the_same_in_tables(store: Store) -> None:
    store.remember("peak_memory", json.dumps({"process": 3 * 2**30, "device": 0}))
    said = status(store)
    for words in ("3 of 4 kept, 1 provisional, 1 seed;", "no picture: three-quarter, above, below", "view family",
                  "full body", "2 min 00 s of work (train 2 min 00 s)", "peak memory 3.0 GiB"):  # fmt: skip
        assert words in said
    store.append_event(RunEnded(3, 1, "final-r02", "report.html"))
    assert "; finished" in status(store)


def test_the_target_is_the_present_one(store: Store) -> None:
    """Case 15: "6 of 4 kept" after the target of a finished run was raised."""
    store.append_event(RunBegan("Mika", "puppet", 1))
    for target, kept in ((4, "3 of 4 kept"), (3, "3 of 3 kept"), (2, "3 kept (2 wanted)")):
        config = load("puppet", backend="fake", overrides=[f"loop.target={target}"])
        store.remember("config", config.model_dump_json())
        assert status(store).startswith(f"{kept}, 1 provisional")
