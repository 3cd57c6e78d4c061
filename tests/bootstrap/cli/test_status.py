"""`bootstrap status`: the same facts for a person and for scripts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bootstrap.cli import app as commands
from bootstrap.config import load
from bootstrap.events import RunBegan, RunEnded
from bootstrap.runs.fakes import FAKE
from bootstrap.runs.listing import remember_command, runs_here
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
        assert status(store).startswith(f"{FAKE}\n{kept}, 1 provisional")


@pytest.fixture
def runs(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs below ./runs: one that stopped, one that is finished, one whose database is damaged."""
    monkeypatch.chdir(tmp_path)
    remember_command(store, ["bootstrap", "run", "a seed.png", "character.json"])
    store.snapshot()
    for name in ("mika", "nox"):
        shutil.copytree(store.directory, tmp_path / "runs" / name)
    with Store.open(tmp_path / "runs" / "nox", exclusive=False) as other:
        other.append_event(RunEnded(3, 1, "final-r02", "report.html"))
    (tmp_path / "runs" / "odd").mkdir()
    (tmp_path / "runs" / "odd" / "run.db").write_bytes(b"no database" * 99)
    (tmp_path / "runs" / "no-run").mkdir()
    return tmp_path / "runs"


def test_without_a_run_all_are_listed_with_the_next_command(runs: Path, call) -> None:  # type: ignore[no-untyped-def]
    lines = call("status").out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("runs/mika: "))
    assert lines[place].startswith("runs/mika: style phase, round 2, fake, 3 of 4 kept, not finished; last active ")
    assert lines[place + 1] == "    bootstrap run 'a seed.png' character.json"
    place = next(number for number, line in enumerate(lines) if line.startswith("runs/nox: "))
    assert "3 of 4 kept, finished" in lines[place]
    assert lines[place + 1] == "    bootstrap review runs/nox"
    assert any(line.startswith("runs/odd: cannot be read (") for line in lines)
    assert not any("no-run" in line for line in lines)
    told = json.loads(call("status", "runs", "--json").out)
    assert {row["folder"]: row["running"] for row in told} == {f"runs/{name}": False for name in ("mika", "nox", "odd")}


def test_runs_are_found_from_within_and_from_elsewhere(
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    call,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.chdir(runs)
    assert "mika: " in call("status").out
    monkeypatch.chdir(runs / "no-run")
    assert f"    cd {runs.parent} && bootstrap run 'a seed.png'" in call("status").out
    assert [run.name for run in runs_here()] == ["mika", "nox", "odd"]
    monkeypatch.chdir(runs.parent.parent)
    shutil.rmtree(runs)
    done = call("status")
    assert (done.code, done.line) == (2, "error: there is no run in ./runs")
