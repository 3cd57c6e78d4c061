"""No traceback on a terminal: what nobody foresaw is one line and a log; what is no file is one line at once."""

import os
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from bootstrap.errors import OutputError
from bootstrap.store.files import write_atomic
from bootstrap.store.store import Store

ROOT = Path(__file__).parents[3]
RUBY = ROOT / "configs" / "characters" / "ruby"


def fail(*_):
    raise ZeroDivisionError("a\nvery \x1b[31mstrange\x1b[0m case")


def test_what_nobody_foresaw_is_one_line_and_a_log_in_the_run(call, tmp_path, monkeypatch):
    Store.open(tmp_path / "run", create=True).close()
    monkeypatch.setattr("bootstrap.cli.status.status", fail)
    done = call("status", tmp_path / "run")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert done.line == "error: not foreseen: ZeroDivisionError: a very \\x1b[31mstrange\\x1b[0m case"
    assert str(tmp_path / "run" / "errors.log") in done.err
    log = (tmp_path / "run" / "errors.log").read_text()
    assert f"bootstrap status {tmp_path / 'run'}\n" in log
    assert "in fail" in log


def test_without_a_run_the_log_lies_in_the_cache_folder(call, monkeypatch):
    monkeypatch.setattr("bootstrap.cli.schema.schema_command", fail)
    done = call("schema")
    assert done.code == 1
    assert "lora-bootstrap/errors.log" in done.err.replace("\\", "/")


def test_what_the_system_refuses_of_a_path_is_the_persons(call, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied", "/secret")

    monkeypatch.setattr("bootstrap.cli.schema.schema_command", refuse)
    done = call("schema")
    assert (done.code, done.line) == (2, 'error: cannot use "/secret": Permission denied')


def pipe(path):
    os.mkfifo(path)


def plug(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


def device(path):
    path.symlink_to("/dev/zero")


NO_FILES = {"a named pipe": pipe, "a socket": plug, "a device": device, "a folder": Path.mkdir}
GIVEN = {
    "a picture": ("run", "bad.png", RUBY / "character.json"),
    "a second character": ("check", RUBY / "seed.png", "bad.json"),
    "a description": ("init", RUBY / "seed.png", "--base", "puppet", "--description", "bad.json"),
    "a configuration": ("run", RUBY / "seed.png", RUBY / "character.json", "--config", "bad.yaml"),
    "a panel": ("run", RUBY / "seed.png", RUBY / "character.json", "--base", "puppet", "--set", "panel=bad.yaml"),
    "a LoRA": ("lora", "inspect", "bad.safetensors"),
    "a base": ("run", RUBY / "seed.png", RUBY / "character.json", "--base", "bad.safetensors"),
    "a queue": ("queue", "list", "--file", "bad.db"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="has no such files")
@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_one_line_and_never_waited_for(call, tmp_path, monkeypatch, kind, given):
    monkeypatch.chdir(tmp_path)
    words = GIVEN[given]
    name = next(word for word in words if "bad." in str(word)).rpartition("=")[2]
    NO_FILES[kind](tmp_path / name)
    done = call(*words, *(["--out", "o"] if words[0] in ("run", "check", "init") else []))
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert name in done.err
    assert len(done.err.splitlines()) <= 2


@pytest.mark.skipif(sys.platform == "win32", reason="has no such files")
def test_a_device_is_never_replaced_by_a_file(tmp_path):
    device(tmp_path / "out")
    with pytest.raises(OutputError, match="a device"):
        write_atomic(tmp_path / "out", b"")
    assert (tmp_path / "out").is_symlink()


def test_a_folder_with_a_picture_too_large_to_open_is_audited_all_the_same(call, tmp_path):
    for name, width in (("far", 30_000), ("little", 3_500)):
        header = b"IHDR" + struct.pack(">IIBBBBB", width, 30_000, 1, 0, 0, 0, 0)
        chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        (tmp_path / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + bytes(4))
        (tmp_path / f"{name}.txt").write_text("mikachr, 1girl")
    done = call("audit", tmp_path, "--trigger", "mikachr")
    assert done.code in (0, 1)
    assert "not foreseen" not in done.err
    assert "Warning" not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="its shells close no streams")
def test_closed_streams_change_nothing(tmp_path):
    command = f'{sys.executable} -m bootstrap init "$1" --out "$2" <&- >&- 2>&-'
    given = [RUBY / "seed.png", tmp_path / "c.json"]
    done = subprocess.run(["sh", "-c", command, "sh", *map(str, given)], cwd=ROOT, check=False)
    assert done.returncode == 2, "nobody can be asked for a base"
