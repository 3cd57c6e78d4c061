"""The queue file: one that an earlier version wrote opens with the present one."""

import sqlite3
from contextlib import closing

from bootstrap.runs.queue import Queue


def test_a_queue_of_an_earlier_version_opens_with_its_reasons(tmp_path):
    queue = Queue(tmp_path / "queue.db")
    queue.add(tmp_path / "ada", "Ada", tmp_path, ["ada"])
    queue.mark(1, "failed", "no luck")
    with closing(sqlite3.connect(queue.path)) as db:
        db.execute("ALTER TABLE entries RENAME COLUMN reason TO said")
    (entry,) = Queue(queue.path).entries()
    assert (entry.name, entry.state, entry.reason) == ("Ada", "failed", "no luck")


def test_options_of_an_earlier_version_have_their_present_names(tmp_path):
    words = ["ada", "--gate", "human", "--seed=3", "--base", "puppet"]
    entry = Queue(tmp_path / "queue.db").add(tmp_path / "ada", "Ada", tmp_path, words)
    assert entry.words == ("ada", "--approval", "human", "--random-seed=3", "--base", "puppet")
