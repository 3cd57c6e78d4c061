"""The whole story on the fake backend: what a run leaves, and that a kill anywhere changes nothing."""

import random

import pytest

from bootstrap.records import JobKind
from bootstrap.store.store import Store


def outcome(folder):
    """Everything that must be equal: plans, pixels, measurements, verdicts, adapters, events without their seconds."""
    with Store.open(folder, exclusive=False) as store:
        events = [{k: v for k, v in row.items() if k not in ("at", "seconds")} for row in store.log()]
        return {
            "frames": [(f.job, f.digest, f.adapter) for f in store.frames()],
            "verdicts": store.verdicts(),
            "measurements": store.measurements(),
            "adapters": [(a.id, a.steps) for a in store.adapters()],
            "rounds": store.rounds(),
            "events": events,
            "captions": sorted((p.name, p.read_text()) for p in folder.glob("dataset/*/*.txt")),
        }


def test_a_run_leaves_a_full_set_a_lora_and_a_report(given, play, tmp_path):
    out = tmp_path / "run"
    done = play(given, out)
    with Store.open(out, exclusive=False) as store:
        kept, verdicts = store.kept(), store.verdicts()
        assert [one.phase for one in store.rounds()] == ["style", "style", "character"]
        assert len(kept) == 12
        assert {f.job.shot.family for f in kept} >= {"front", "profile", "behind"}
        assert all(verdicts[f.job.id].reasons[0].startswith("fills ") for f in kept)
        assert all(f.job.kind is JobKind.CANDIDATE for f in kept)
        assert all(v.reasons for v in verdicts.values())
    pictures = sorted((out / "dataset" / "10_redchr").glob("*.png"))
    captions = [path.with_suffix(".txt").read_text() for path in pictures]
    assert len(pictures) == 12
    assert all(text.startswith("redchr, 1girl, solo") and "red hair" not in text for text in captions)
    assert len((out / "dataset" / "metadata.jsonl").read_text().splitlines()) == 12
    assert len(list((out / "lora").glob("redchr-*.safetensors"))) == 1
    assert "redchr" in done.stdout
    assert (out / "report.html").is_file()


def test_the_same_command_on_a_finished_run_changes_nothing(given, play, tmp_path):
    play(given, tmp_path / "run")
    before = outcome(tmp_path / "run")
    play(given, tmp_path / "run")
    assert outcome(tmp_path / "run") == before


@pytest.mark.slow
def test_killed_at_many_events_and_continued_it_ends_the_same(given, play, tmp_path):
    play(given, tmp_path / "whole")
    wanted = outcome(tmp_path / "whole")
    total = len(wanted["events"])
    assert total <= 150
    for count in sorted(random.Random(0).sample(range(1, total), 8)):
        out = tmp_path / f"killed{count}"
        play(given, out, kill_after=count)
        play(given, out)
        assert outcome(out) == wanted, f"killed after event {count} of {total}"
