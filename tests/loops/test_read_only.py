"""A run that may only be read is read: nothing in it is changed, and what cannot be read or written is one line."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bootstrap.cli import out_folder
from bootstrap.errors import OutputError
from bootstrap.events import Noted
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.store import read_only
from bootstrap.store.files import sha256_of


def contents(run):
    return {path.relative_to(run).as_posix(): sha256_of(path) for path in run.rglob("*") if path.is_file()}


@pytest.fixture(params=["beside the engine", "in a folder without write permission"])
def guarded(finished, monkeypatch, request):
    """A finished run; where its folder cannot be written, SQLite can make no files there. (Root may write anywhere.)"""
    run = finished[0]
    if "without" in request.param:

        def look(path):
            if path.is_relative_to(run):
                raise sqlite3.OperationalError("unable to open database file")
            return sqlite3.connect(path)

        monkeypatch.setattr(read_only, "look", look)
    return run


def test_what_only_reads_a_run_changes_nothing(guarded, call, tmp_path):
    before = contents(guarded)
    assert call("status", guarded, "--json").code == 0
    assert call("verify", guarded).code == 0
    for format in ("kohya", "diffusers", "dataset"):
        done = call("export", guarded, "--format", format, "--out", tmp_path / format)
        assert done.code == 0, done.err
    assert call("report", guarded, "--out", tmp_path / "page.html").code == 0
    assert call("watch", guarded).out.splitlines()[-1].startswith("finished")
    compared = call("compare", guarded, "--weights", "1", "--each", "1", "--out", tmp_path / "compare")
    assert compared.code == 0, compared.err
    assert len(list((tmp_path / "compare" / "pictures").rglob("*.png"))) > 1
    assert "redchr" in (tmp_path / "page.html").read_text()
    after = contents(guarded)
    assert {name for name in after if after[name] != before.get(name)} <= {"run.db-shm", "run.db-wal"}
    assert after["run.db"] == before["run.db"]


def test_what_is_only_in_the_log_of_the_database_is_read_too(guarded):
    with closing(sqlite3.connect(guarded / "run.db")) as engine:
        engine.execute("PRAGMA journal_mode = WAL")
        engine.execute("UPDATE facts SET value = 'mine' WHERE name = 'freed'")
        engine.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('freed', '[\"mine\"]')")
        engine.commit()
        with open_to_read(guarded) as store:
            assert store.recall("freed") == '["mine"]'


def test_a_reader_cannot_change_a_run(guarded):
    with open_to_read(guarded) as store, pytest.raises(OutputError, match="readonly"):
        store.append_event(Noted("never"))


def test_a_folder_that_cannot_be_read_is_one_line(finished, call, monkeypatch):
    is_file = Path.is_file

    def denied(path):
        if path.name == "run.db":
            raise PermissionError(13, "Permission denied")
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", denied)
    named = {"approve": ["0000"], "reject": ["0000"], "undo": ["0000"], "approval": ["auto"]}
    for command in ("status", "verify", "export", "report", "watch", "compare", "review", "gc", *named):
        done = call(command, finished[0], *named.get(command, ()))
        assert done.code == 2
        assert "Permission denied" in done.line


@pytest.mark.parametrize("format", ["kohya", "dataset"])
def test_an_export_that_was_killed_is_repeated_whole(finished, call, tmp_path, monkeypatch, format):
    run, out, whole = finished[0], tmp_path / "out", tmp_path / "whole"
    assert call("export", run, "--format", format, "--out", whole).code == 0
    with monkeypatch.context() as patch:
        patch.setattr(out_folder, "sweep_temporaries", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        assert call("export", run, "--format", format, "--out", out).code == 130
    for path in sorted(path for path in out.rglob("*") if path.is_file() and not path.name.startswith("."))[1:]:
        path.unlink()  # killed after the first file
    (out / ".001.png.12345678.bootstrap-part").write_bytes(b"half a pict")
    assert call("export", run, "--format", format, "--out", out).code == 0
    assert contents(out) == contents(whole)
    assert call("export", run, "--format", format, "--out", out).code == 2, "what is whole is not written over"
    shutil.rmtree(out)


COMPARE = ("compare", "--weights", "1", "--each", "1")


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ("adapters/final-*/*.safetensors", COMPARE),
        ("seeds/*", COMPARE),
        ("adapters/final-*/*.safetensors", ("export",)),
        ("frames/*/preview-*.png", ("export",)),
    ],
)
def test_no_reader_uses_a_file_that_is_not_the_stored_one(finished, call, tmp_path, files, command):
    run = finished[0]
    for path in run.glob(files):
        altered = bytearray(path.read_bytes())
        altered[-20] ^= 1  # of the weights, or the pixels
        path.write_bytes(altered)
    done = call(command[0], run, *command[1:], "--out", tmp_path / "out")
    assert done.code == 2, done.out
    assert (
        "that were stored" in done.line
        or "cannot be read" in done.line
        or "is not the one that was stored" in done.line
    )


TORN = {
    "a number that nobody stored": "UPDATE rounds SET goal = goal + 1 WHERE number = 1",
    "a row that is gone": "DELETE FROM verdicts WHERE seq = 1",
    "a record that is no record": "UPDATE jobs SET record = substr(record, 1, 40) WHERE seq = 3",
}


@pytest.mark.parametrize("damage", TORN)
def test_no_reader_shows_what_nobody_stored(finished, call, tmp_path, damage):
    run, arguments = finished
    with closing(sqlite3.connect(run / "run.db")) as db, db:
        db.execute(TORN[damage])
    of_readers = {"status": [], "verify": [], "watch": [], "export": [], "report": []}
    of_a_person = {"review": [], "approve": ["0"], "reject": ["0"], "undo": ["0"], "approval": ["auto"]}
    for command, more in {**of_readers, **of_a_person}.items():
        done = call(command, run, *more)
        assert done.code == (1 if command == "verify" else 2), command
        assert f"run.db' is damaged ({'1 of ' if 'gone' not in damage else ''}" in done.line
        assert TORN[damage].split()[1].replace("FROM", "verdicts") in done.line
        assert "run the same `bootstrap run` again" in done.err
    assert call("run", *arguments, "--out", run).code == 0
    assert call("verify", run).code == 0
