"""Approval between rounds: a run pauses, waits, goes on; a person's verdicts count from the next boundary on."""

import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

from PIL import Image

from bootstrap.events import ApprovalGiven, WaitingForPerson
from bootstrap.records import JobKind, VerdictKind
from bootstrap.review.person_verdicts import judge
from bootstrap.review.uploads import add_upload
from bootstrap.runs.approval_setting import set_approval
from bootstrap.store.decisions import PersonBoundary, RoundApproved
from bootstrap.store.store import Store
from loops import approval


def ids_by(store, kind):
    return [id for id, one in store.verdicts().items() if one.kind is kind]


def opened(run):
    return Store.open(run, exclusive=False)


def test_human_approval_pauses_with_a_sheet_and_the_next_command(tiny, call, tmp_path):
    run = tmp_path / "run"
    done = call("run", *tiny, "--out", run, "--approval", "human")
    assert done.code == 3
    text = " ".join(done.err.split())
    assert "round 1 waits for you" in text
    assert f"then run: bootstrap run {' '.join(tiny[:2])}" in text
    assert "--approval human" in text
    with opened(run) as store:
        assert len(store.rounds()) == 1
        (waiting,) = [event for event in store.events() if isinstance(event, WaitingForPerson)]
        assert (run / waiting.sheet).is_file()
        assert waiting.unseen == waiting.kept == len(store.kept())


def test_a_run_without_an_answer_pauses_again_and_asks_only_once(tiny, call, tmp_path):
    run = tmp_path / "run"
    for _ in range(2):
        assert call("run", *tiny, "--out", run, "--approval", "human").code == 3
    with opened(run) as store:
        assert sum(isinstance(event, WaitingForPerson) for event in store.events()) == 1
        assert len(store.rounds()) == 1


def test_an_answered_run_goes_on_and_honours_every_verdict(tiny, call, tmp_path):
    run = tmp_path / "run"
    call("run", *tiny, "--out", run, "--approval", "human")
    with opened(run) as store:
        thrown, saved = ids_by(store, VerdictKind.KEEP)[0], ids_by(store, VerdictKind.UNDECIDED)[0]
    call("reject", run, thrown, "--reason", "face")
    call("approve", run, saved)
    assert call("run", *tiny, "--out", run, "--approval", "human").code == 3  # after the next round
    assert call("approval", run, "auto").code == 0
    assert call("run", *tiny, "--out", run, "--approval", "human").code == 0, "what was set since holds"
    with opened(run) as store:
        verdicts = store.verdicts()
        assert (verdicts[thrown].kind, verdicts[thrown].by) == (VerdictKind.REJECT, "person")
        assert (verdicts[saved].kind, verdicts[saved].by) == (VerdictKind.KEEP, "person")
        first = store.decided(RoundApproved, round=1)
        assert (first.by, first.judged) == ("person", 2)
        assert saved not in first.unseen
    names = {json.loads(line)["by"] for line in (run / "dataset" / "metadata.jsonl").read_text().splitlines()}
    assert names == {"gate", "person"}


def test_open_lets_the_round_go_on_without_a_verdict(tiny, call, tmp_path):
    run = tmp_path / "run"
    call("run", *tiny, "--out", run, "--approval", "human")
    assert "round 1 goes on" in call("approval", run, "open").out
    assert call("run", *tiny, "--out", run, "--approval", "human").code == 3
    with opened(run) as store:
        assert len(store.rounds()) == 2
    assert call("approval", run, "sometimes").code == 2


def test_timed_approval_goes_on_alone_and_says_which_keeps_nobody_saw(tiny, call, tmp_path, monkeypatch):
    began, slept = datetime(2026, 1, 1, 23, 0, tzinfo=UTC), []
    monkeypatch.setattr(approval, "wait", lambda seconds: slept.append(seconds))
    monkeypatch.setattr(approval, "moment", lambda: began + timedelta(minutes=len(slept)))
    run = tmp_path / "run"
    assert call("run", *tiny, "--out", run, "--approval", "timed:2h").code == 0
    assert len(slept) >= 120
    with opened(run) as store:
        events = [event for event in store.events() if isinstance(event, ApprovalGiven)]
        assert {event.by for event in events} == {"timed"}
        assert events[0].unseen == len(store.decided(RoundApproved, round=1).unseen) > 0
        waited = next(event for event in store.events() if isinstance(event, WaitingForPerson))
        assert waited.until == "2026-01-02T01:00:00+00:00"


def test_somebody_at_the_terminal_is_waited_for(tiny, call, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    run = tmp_path / "run"

    def answer(seconds):
        with opened(run) as store:
            judge(store, store.kept()[0], VerdictKind.KEEP)
        call_beside("auto", run)

    monkeypatch.setattr(approval, "wait", answer)
    assert call("run", *tiny, "--out", run, "--approval", "human").code == 0


def call_beside(setting, run):
    with opened(run) as store:
        set_approval(store, setting)


def test_a_verdict_in_the_middle_of_a_round_waits_for_its_end(tiny, play, tmp_path):
    """Killed after the verdict, the round is played again as it was begun: same plan, same training set."""
    run = tmp_path / "run"
    play(tiny, run, kill_after=12)
    with opened(run) as store:
        frames = store.frames(kind=JobKind.CANDIDATE)
        before = store.decided(PersonBoundary, rounds=0, again=False)
        if frames:
            judge(store, frames[0], VerdictKind.REJECT, ["view"])
    play(tiny, run)
    with opened(run) as store:
        assert store.decided(PersonBoundary, rounds=0, again=False) == before
        after = store.decided(PersonBoundary, rounds=1, again=False)
        assert after.verdict > before.verdict
        assert store.verdicts()[frames[0].job.id].by == "person"


def test_a_verdict_after_the_end_is_answered_by_one_more_round(finished, call):
    run, arguments = finished
    with opened(run) as store:
        before, thrown = len(store.rounds()), store.kept()[0].job.id
        adapters = len(store.adapters())
    call("reject", run, thrown)
    assert call("run", *arguments, "--out", run).code == 0
    with opened(run) as store:
        assert len(store.rounds()) == before + 1
        assert len(store.adapters()) > adapters
        assert thrown not in {frame.job.id for frame in store.kept()}
    text = (run / "dataset" / "metadata.jsonl").read_text()
    assert text
    assert call("run", *arguments, "--out", run).code == 0
    with opened(run) as store:
        assert len(store.rounds()) == before + 1, "one verdict, one round"


def test_a_picture_of_ones_own_is_measured_judged_and_when_approved_kept(tiny, call, tmp_path):
    run = tmp_path / "run"
    call("run", *tiny, "--out", run, "--approval", "human")
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 70, 50)).save(buffer, format="PNG")
    with opened(run) as store:
        like = store.kept()[0]
        mine = add_upload(store, like, buffer.getvalue()).job.id
        before = fingerprints(run)
    call("approve", run, mine)
    call("approval", run, "auto")
    assert call("run", *tiny, "--out", run, "--approval", "human").code == 0
    with opened(run) as store:
        assert store.measurements([mine])[mine]
        assert mine in {frame.job.id for frame in store.kept()}
        after = fingerprints(run)
        assert after["clip"] != before["clip"], "an approved picture joins the references: all is measured anew"
        assert {name for name in before if before[name] != after[name]} == {"clip"}
    rows = [json.loads(line) for line in (run / "dataset" / "metadata.jsonl").read_text().splitlines()]
    assert any(row["prompt"].startswith("a picture of one's own") for row in rows)


def fingerprints(run):
    """The fingerprint by scorer under which a run's candidates and decoys were measured."""
    query = "SELECT DISTINCT scorer, fingerprint FROM measurements JOIN jobs ON jobs.id = frame WHERE kind != 'probe'"
    with closing(sqlite3.connect(run / "run.db")) as db:
        return dict(db.execute(query).fetchall())
