"""What a command says reaches every terminal: no encoding and no full disk stops it, no name commands it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.cli import main
from bootstrap.listeners.terminal import Terminal
from bootstrap.machine.plain_console import PlainConsole
from bootstrap.machine.plain_output import PlainStream, one_line, shown

FULL = Path("/dev/full")
LUBI = {"name": "루비 🦊", "trigger": "루비캐릭터", "base": "puppet", "invariant": {"hair": "red hair"}}


@pytest.fixture
def given(tmp_path):
    Image.effect_noise((128, 128), 50).save(tmp_path / "루비.png")
    path = tmp_path / "character.json"
    path.write_text(json.dumps(LUBI, ensure_ascii=False), encoding="utf-8")
    return [str(tmp_path / "루비.png"), str(path), "--backend", "fake"]


def started(*arguments, out=subprocess.PIPE, encoding="cp1252", closing=""):
    """A command in a process of its own, as a console of Windows or a scheduler has it."""
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    command = ["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-m", "bootstrap", *arguments]
    return subprocess.run(command, stdout=out, stderr=subprocess.PIPE, env=environment, check=False)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii:strict"])
def test_signs_that_a_console_lacks_are_escaped(given, encoding):
    done = started("check", *given, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert rb"\ub8e8\ube44 \ud83e\udd8a, trigger \ub8e8" in done.stdout


def test_json_stays_json_in_any_encoding():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    facts = {"name": "루비 🦊 é \x85", "file": "\udc83.png"}
    PlainStream(stream).write(json.dumps(facts, ensure_ascii=False))
    stream.flush()
    assert json.loads(stream.buffer.getvalue().decode("cp1252")) == facts


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_output_is_one_line(given):
    with FULL.open("wb") as full:
        done = started("check", *given, out=full)
    assert done.returncode == 1
    *_, error, hint = done.stderr.decode("cp1252").splitlines()
    assert error.startswith("error: stdout cannot be written (No space left on device)")
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("closing", [">&- 2>&-", "| true"])
def test_nobody_who_reads_is_no_failure(given, closing):
    done = started("check", *given, closing=closing)
    assert done.returncode == 0
    assert done.stderr in (b"", b"measuring this machine \x85\n")


EVIL = "mi\x1b[31mka\x1b]0;owned\x07\x9b2J\u202egnp"


def test_names_command_no_terminal(call, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "x\x1b[2J\n.png")
    for arguments in (["check", tmp_path], ["status", tmp_path / EVIL], ["run", tmp_path / EVIL], [f"--{EVIL}"]):
        done = call(*arguments)
        assert done.code == 2
        said = done.out + done.err
        assert not set(said) & set("\x1b\x07\x9b\u202e"), arguments
    assert "error: " in call("status", tmp_path / "a\nb").line


def test_one_sign_of_every_kind():
    assert shown("a\x1b\r\x7f\udc83\tb\n루🦊") == "a\\x1b\\x0d\\u007f\\udc83\tb\n루🦊"
    assert one_line("a\nb") == r"a\nb"


def test_consoles_colour_and_show_what_is_printed(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = io.StringIO()
    console = PlainConsole(file=screen, force_terminal=True, color_system="standard", width=99)
    console.print(f"[bold]{EVIL}[/bold]")
    assert screen.getvalue().startswith("\x1b[1mmi\\x1b[31mka")
    assert Terminal(console)


def test_bars_of_other_libraries_still_move():
    stream = io.StringIO()
    out = PlainStream(stream)
    for text in ("\r 10 %", "\n", "\x1b[A", "\ra\x1b[A"):
        out.write(text)
    assert stream.getvalue() == "\r 10 %\n\x1b[A\ra\\x1b[A"


def test_streams_are_given_back():
    before = sys.stdout, sys.stderr
    with pytest.raises(SystemExit):
        main(["version"])
    assert (sys.stdout, sys.stderr) == before
