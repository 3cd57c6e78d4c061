"""For every room: a command in this process."""

import os
import signal
import sqlite3
from typing import NamedTuple

import pytest

from bootstrap.cli import main
from tests.unsynced import without_syncs

FSYNC, CONNECT = os.fsync, sqlite3.connect


class Call(NamedTuple):
    """How a command ended: exit code, what it said, its line that tells the error."""

    code: int
    out: str
    err: str
    line: str


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard():
    """Also where a shell, putting the tests into the background, has had it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def no_syncs():
    """No test waits for the disk; `durable` is for those that ask whether it would be waited for."""
    with pytest.MonkeyPatch.context() as patch:
        without_syncs(patch.setattr)
        yield


@pytest.fixture
def durable(no_syncs, monkeypatch):
    """Files and databases as the product writes them."""
    monkeypatch.setattr(os, "fsync", FSYNC)
    monkeypatch.setattr(sqlite3, "connect", CONNECT)


@pytest.fixture(autouse=True)
def cache_of_its_own(monkeypatch, tmp_path_factory):
    """No test reads or writes what models saw in the pictures of the person who runs it."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def call(capsys):
    """A command in this process: quicker than one of its own; only for backends without a model."""

    def start(*arguments):
        before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert before == [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
        out, err = capsys.readouterr()
        line = next((text for text in err.splitlines() if text.startswith("error: ")), "")
        return Call(ended.value.code or 0, out, err, line)

    return start
