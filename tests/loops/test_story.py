"""The whole story on the fake backend: what a run leaves, and that a kill anywhere changes nothing."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.cli import main
from bootstrap.records import JobKind
from bootstrap.store.decisions import Accepted
from bootstrap.store.store import Store
from tests.loops.conftest import SETTINGS, described

ROOT = Path(__file__).parent.parent.parent
EVERY = int(os.environ.get("STORY_KILL_EVERY", "5"))
"""A run of its own killed after every so many events; 1 for each of them, which takes minutes."""
ENVIRONMENT = {**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}


def outcome(folder):
    """Everything that must be equal: plans, pixels, measurements, verdicts, adapters, events without their seconds."""
    with Store.open(folder, exclusive=False) as store:
        events = [{k: v for k, v in row.items() if k not in ("at", "seconds")} for row in store.log()]
        return {
            "jobs": store.jobs(),
            "frames": [(f.job, f.digest, f.adapter) for f in store.frames()],
            "verdicts": store.verdicts(),
            "measurements": store.measurements(),
            "adapters": [(a.id, a.steps) for a in store.adapters()],
            "accepted": store.decisions(Accepted),
            "rounds": store.rounds(),
            "events": events,
            "captions": sorted((p.name, p.read_text()) for p in folder.glob("dataset/*/*.txt")),
        }


@pytest.fixture(scope="module")
def story(play, tmp_path_factory):
    """An undisturbed run: its folder, the arguments that made it, without --out, and what it said."""
    folder = tmp_path_factory.mktemp("story")
    arguments = described(folder, SETTINGS)
    return folder / "run", arguments, play(arguments, folder / "run").stdout


def test_a_run_leaves_a_full_set_a_lora_and_a_report(story):
    out, _, said = story
    with Store.open(out, exclusive=False) as store:
        kept, verdicts = store.kept(), store.verdicts()
        assert [one.phase for one in store.rounds()] == ["style", "style", "character"]
        assert len(kept) == 12
        assert {f.job.shot.view_family for f in kept} >= {"front", "profile", "behind"}
        assert all(verdicts[f.job.id].reasons[0].startswith("fills ") for f in kept)
        assert all(f.job.kind is JobKind.CANDIDATE for f in kept)
        assert all(v.reasons for v in verdicts.values())
    pictures = sorted((out / "dataset" / "10_redchr").glob("*.png"))
    captions = [path.with_suffix(".txt").read_text() for path in pictures]
    assert len(pictures) == 12
    assert all(text.startswith("redchr, 1girl, solo") and "red hair" not in text for text in captions)
    assert len((out / "dataset" / "metadata.jsonl").read_text().splitlines()) == 12
    assert len(list((out / "lora").glob("redchr-*.safetensors"))) == 1
    assert "redchr" in said
    assert (out / "report.html").is_file()


def test_after_a_drift_an_earlier_lora_draws_and_the_set_is_filled(given, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("loops.stopping.drifted", lambda done: bool(done) and done[-1].number == 2)
    monkeypatch.setattr("loops.stopping.best_round", lambda done: done[0])  # this backend has no held-out encoder
    with pytest.raises(SystemExit) as ended:
        main(["run", *given, "--out", str(tmp_path / "run")])
    assert not ended.value.code
    with Store.open(tmp_path / "run", exclusive=False) as store:
        drawn_by = {f.job.round: f.adapter for f in store.frames(kind=JobKind.CANDIDATE)}
        assert [one.phase for one in store.rounds()][:3] == ["style"] * 3
        assert drawn_by[2] == "r02-style"
        assert {adapter for number, adapter in drawn_by.items() if number != 2} == {"r01-style"}
        assert [a.id for a in store.adapters() if a.id.startswith("r0")] == ["r01-style", "r02-style"]
        assert {f.job.round for f in store.kept()} == {1, 3}
        assert len(store.kept()) == 12
        assert [one.outcome.kept for one in store.rounds()][2:] == [12], "what the drifted round kept does not count"
    assert "the LoRA of round 1 draws what is missing" in capsys.readouterr().err


def test_the_same_command_on_a_finished_run_changes_nothing(story, call, tmp_path):
    finished, arguments, _ = story
    shutil.copytree(finished, tmp_path / "run")
    assert call("run", *arguments, "--out", tmp_path / "run").code == 0
    assert outcome(tmp_path / "run") == outcome(finished)


def killing(mode, folder, count, arguments):
    """Run `killing.py`; see there."""
    script = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(script), mode, str(folder), str(count), "run", *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_killed_once_after_any_event_and_continued_it_ends_the_same(grown, tiny, tmp_path):
    wanted = outcome(grown)
    total = len(wanted["events"])
    assert 20 < total <= 150
    chosen = range(1, total + 1, EVERY)
    killing("each", tmp_path, f"{total}:{EVERY}", tiny)
    for number in chosen:
        assert outcome(tmp_path / f"killed{number:03d}") == wanted, f"killed after event {number} of {total}"


def test_killed_after_every_event_of_one_run_it_ends_the_same(grown, tiny, tmp_path):
    wanted = outcome(grown)
    killing("chain", tmp_path, len(wanted["events"]) + 5, tiny)
    assert outcome(tmp_path / "chain") == wanted


@pytest.mark.slow
def test_killed_in_the_larger_story_too(story, play, tmp_path):
    finished, given, _ = story
    wanted = outcome(finished)
    total = len(wanted["events"])
    assert total <= 150
    for count in sorted(random.Random(0).sample(range(1, total), 2)):
        out = tmp_path / f"killed{count}"
        play(given, out, kill_after=count)
        play(given, out)
        assert outcome(out) == wanted, f"killed after event {count} of {total}"
