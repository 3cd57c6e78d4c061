"""Several characters through one night: in order, the time shared, a failing one not in the way of the rest."""

import json
import signal
import sqlite3
import subprocess
import sys

import pytest
from PIL import Image

from bootstrap.errors import BackendError, StoreError
from bootstrap.machine.clock import Clock
from bootstrap.machine.limits import Limits
from bootstrap.runs.queue import Queue, share_of
from bootstrap.runs.queue_work import Ended, SharedTime, within, work_through
from bootstrap.runs.sessions import session
from bootstrap.store.lock import ProcessLock
from bootstrap.store.store import Store


@pytest.fixture
def character(tmp_path):
    def write(name):
        folder = tmp_path / name
        folder.mkdir()
        Image.new("RGB", (64, 64), "red").save(folder / "seed.png")
        about = {"name": name.title(), "trigger": f"{name}chr", "base": "puppet", "invariant": {"hair": "red hair"}}
        (folder / "character.json").write_text(json.dumps(about))
        return folder

    return write


@pytest.fixture
def queued(character, call, tmp_path, monkeypatch):
    """Three characters that wait, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    for name in ("ada", "bo", "cy"):
        assert call("queue", "add", character(name), "--backend", "fake").code == 0
    return Queue(tmp_path / "queue.db")


@pytest.fixture
def played(monkeypatch):
    """What was started, in order; each ends with the code that is given, 0 where none is."""
    codes, started = {}, []

    def play(words, folder):
        started.append(words)
        return Ended(*codes.get(words[0].split("/")[-1], (0, "")))

    monkeypatch.setattr("bootstrap.runs.queue_work.run_process", play)
    return codes, started


def states(queue):
    return {entry.name: entry.state for entry in queue.entries()}


def test_what_is_added_waits_and_is_listed(queued, call, tmp_path):
    assert states(queued) == {"Ada": "waiting", "Bo": "waiting", "Cy": "waiting"}
    assert f"1. waiting  Ada  {tmp_path / 'runs' / 'adachr'}" in call("queue", "list").out


def test_a_couple_waits_as_one_with_the_folder_that_its_run_has(character, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    members = []
    for name in ("ada", "bo"):
        about = json.loads((character(name) / "character.json").read_text())
        seed = {"file": f"{name}.png"}
        members.append({**about, "seeds": [seed]})
        Image.new("RGB", (64, 64), "red").save(tmp_path / seed["file"])
    (tmp_path / "couple.json").write_text(json.dumps({"kind": "couple", "members": members}))
    assert call("queue", "add", "couple.json", "--backend", "fake").code == 0
    assert f"1. waiting  Ada and Bo  {tmp_path / 'runs' / 'adachr-bochr'}" in call("queue", "list").out
    members[1]["seeds"] = [{"file": "nowhere.png"}]
    (tmp_path / "other.json").write_text(json.dumps({"kind": "couple", "members": members}))
    refused = call("queue", "add", "other.json", "--backend", "fake")
    assert (refused.code, "nowhere.png" in refused.line) == (2, True)


def test_the_reason_of_a_couple_is_that_of_the_member_at_which_it_stopped(queued, played, call, tmp_path):
    codes, _ = played
    codes["bo"] = (1, "")
    home = tmp_path / "runs" / "bochr" / "solo" / "bochr"
    with Store.open(home, create=True) as store, pytest.raises(BackendError), session(store):
        raise BackendError("no memory left", "")
    call("queue", "run")
    assert "(no memory left" in call("queue", "list").out


def test_one_that_fails_is_not_in_the_way_of_the_rest(queued, played, call):
    codes, started = played
    codes["bo"] = (-signal.SIGKILL, "")
    done = call("queue", "run")
    assert done.code == 1
    assert "1 of 3 failed: Bo" in done.line
    assert states(queued) == {"Ada": "done", "Bo": "failed", "Cy": "done"}
    assert "killed by SIGKILL" in done.out
    assert len(started) == 3
    call("queue", "run")
    assert len(started) == 3, "what is over is not done again"


def test_one_that_waits_for_a_person_is_said_so(queued, played, call):
    played[0]["ada"] = (3, "")
    done = call("queue", "run")
    assert done.code == 3
    assert "Ada wait for you" in done.err
    assert states(queued)["Cy"] == "done"


def test_the_night_is_shared_evenly(queued, played, call, monkeypatch):
    passed = iter([0, 0, 3600, 3600, 4 * 3600])  # Ada takes an hour, Bo three
    last = [0.0]

    def awake():
        last[0] = float(next(passed, last[0]))
        return last[0]

    monkeypatch.setattr("bootstrap.machine.clock.Clock", lambda: Clock(awake, awake, lambda: 1.8e9))
    assert call("queue", "run", "--budget", "9h").code == 0
    budgets = [words[-1] for words in played[1]]
    assert budgets[0] == f"{9 * 3600 // 3}s"
    assert int(budgets[1][:-1]) == 4 * 3600, "what Ada left over is shared"
    assert share_of(10.0, 5) == 60.0


def test_a_wish_to_stop_leaves_the_rest_waiting(queued, played, call):
    played[0]["bo"] = (130, "SIGTERM")
    assert call("queue", "run").code == 130
    assert states(queued) == {"Ada": "done", "Bo": "waiting", "Cy": "waiting"}


def test_one_that_was_cut_off_comes_first(queued, played, call):
    queued.mark(3, "running")
    call("queue", "run")
    assert played[1][0][0].endswith("cy")


def test_one_that_a_killed_queue_left_at_work_is_waited_for(queued, tmp_path):
    """The child of a killed queue lives on and holds the run's lock; it is no failure of the character."""
    bo = tmp_path / "runs" / "bochr"
    bo.mkdir(parents=True)
    lock, said, started = ProcessLock(bo / "run.lock"), [], []
    queued.mark(2, "running")

    def start(words, folder):
        started.append(words[0].split("/")[-1])
        return Ended(0)

    def wait(seconds):
        assert started == []
        assert states(queued)["Bo"] == "running"
        lock.release()

    work_through(queued, SharedTime(Limits(), Clock()), start, said.append, wait)
    assert started == ["bo", "ada", "cy"]
    assert set(states(queued).values()) == {"done"}
    assert f"another process works on {bo}" in said[0]


def test_one_that_another_process_began_a_moment_earlier_is_tried_again(queued, tmp_path):
    ada, tried = tmp_path / "runs" / "adachr", []
    ada.mkdir(parents=True)

    def start(words, folder):
        tried.append(words[0].split("/")[-1])
        if len(tried) == 1:
            tried[0] = ProcessLock(ada / "run.lock")
            return Ended(2)
        return Ended(0)

    work_through(queued, SharedTime(Limits(), Clock()), start, str, lambda _: tried[0].release())
    assert tried[1:] == ["ada", "bo", "cy"]
    assert set(states(queued).values()) == {"done"}


def test_nobody_is_waited_for_beyond_the_time(queued, tmp_path):
    (tmp_path / "runs" / "adachr").mkdir(parents=True)
    lock, said, now = ProcessLock(tmp_path / "runs" / "adachr" / "run.lock"), [], [0.0]

    def wait(seconds):
        now[0] += 3600

    clock = Clock(lambda: now[0], lambda: now[0], lambda: 1.8e9)
    work_through(queued, SharedTime(Limits(budget=7200), clock), lambda *_: Ended(0), said.append, wait)
    lock.release()
    assert said[-1] == "the time is over; 3 still wait"


def test_adding_again_lets_one_wait_again_without_a_second_place(queued, call):
    queued.mark(1, "failed", "no luck")
    first = queued.entries()[0]
    assert call("queue", "add", *first.words).code == 0
    assert [(entry.number, entry.state) for entry in queued.entries()] == [(n, "waiting") for n in (1, 2, 3)]


def test_what_cannot_be_run_is_refused_at_once(queued, character, call, tmp_path):
    assert call("queue", "add", character("di"), "--until", "07:30").line.startswith(
        'error: --until "07:30" belongs to the whole queue'
    )
    (tmp_path / "di" / "character.json").write_text("{}")
    assert call("queue", "add", tmp_path / "di").code == 2
    assert call("queue", "add", tmp_path / "nowhere").code == 2
    assert call("queue", "add", tmp_path / "ada", "--no-such-option").code == 2
    assert len(queued.entries()) == 3


def test_no_queue_and_another_programs_file_are_one_line(call, tmp_path):
    assert 'there is no queue "' in call("queue", "list", "--file", tmp_path / "none.db").line
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE things (name TEXT)")
    db.close()
    (tmp_path / "text.db").write_text("no database at all, and long enough to be looked at as one" * 20)
    for name in ("other.db", "text.db"):
        with pytest.raises(StoreError):
            Queue(tmp_path / name)


def test_a_damaged_queue_is_one_line_and_no_empty_one(queued, call, tmp_path):
    whole = queued.path.read_bytes()
    for spoilt in (b"", whole[:4096] + bytes(4096) + whole[8192:], whole[:-4096] + bytes(4096)):
        queued.path.write_bytes(spoilt)
        for command in ("list", "run"):
            done = call("queue", command)
            assert (done.code, str(queued.path.name) in done.line) == (2, True)
    queued.path.write_bytes(whole)
    with sqlite3.connect(queued.path) as db:
        db.execute("UPDATE entries SET words = '[' WHERE number = 1")
    db.close()
    assert "is damaged" in call("queue", "list").line


STOP_IT = """
import sys, signal, os, threading, time
from pathlib import Path
from bootstrap.runs import queue_work

def stop_once_it_works():
    while not Path(sys.argv[1] + "-works").exists():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=stop_once_it_works, daemon=True).start()
queue_work.sys.executable = sys.argv[1]
ended = queue_work.run_process([], ".")
print(ended.code, ended.stopped_by)
"""


def test_a_signal_is_handed_on_to_the_process_that_works(tmp_path):
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\ntrap 'exit 130' TERM\ntouch $0-works\nsleep 30 >/dev/null 2>&1 & wait\n")
    sleeper.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", STOP_IT, sleeper], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "130 SIGINT"


@pytest.mark.parametrize(
    ("words", "seconds", "last"),
    [
        (["--budget", "1h"], 7200, "1h"),
        (["--budget=1h"], 1800, "1800s"),
        ([], 60.4, "60s"),
        (["--budget", "1h"], None, "1h"),
    ],
)
def test_a_character_has_its_share_of_the_night_or_its_own_budget_where_that_is_less(words, seconds, last):
    assert within(words, seconds)[-1] == last
