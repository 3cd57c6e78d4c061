"""A queue that is killed while a character is at work: the same command goes on, and nothing counts as failed."""

import os
import signal
import subprocess
import sys

from bootstrap.runs import queue_work
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.queue import Queue
from bootstrap.runs.sessions import sessions
from bootstrap.runs.standing import finished

KILLED = """
import os, signal, subprocess, sys
from pathlib import Path
from bootstrap.cli import main

class Watched(subprocess.Popen):
    def __enter__(self):
        while not (lock.is_file() and lock.read_text()):
            pass
        os.kill(os.getpid(), signal.SIGKILL)

lock, subprocess.Popen = Path(sys.argv[1], "run.lock"), Watched
main(["queue", "run"])
"""


def test_what_a_killed_queue_left_at_work_ends_well(tiny, tmp_path, call, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(queue_work, "LOOK_EVERY", 0.01)
    assert call("queue", "add", *tiny, "--out", "red").code == 0
    place = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}}
    killed = subprocess.run([sys.executable, "-c", KILLED, "red"], **place, stdout=subprocess.DEVNULL, check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = Queue(tmp_path / "queue.db").entries()
    assert left.state == "running", "its process lives on"
    done = call("queue", "run")
    assert done.code == 0, done.err
    assert f"another process works on {tmp_path / 'red'}" in done.out
    assert [one.state for one in Queue(tmp_path / "queue.db").entries()] == ["done"]
    with open_to_read(tmp_path / "red") as store:
        assert finished(store.events())
        assert len(sessions(store)) == 2, "the one that was left at work, and one that found it finished"
