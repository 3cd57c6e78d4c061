"""Seconds without output have a spinner on a terminal, and a plain line elsewhere; both on stderr."""

import io

from bootstrap.listeners import waiting
from bootstrap.machine.plain_console import PlainConsole


def test_elsewhere_a_plain_line_says_what_is_done(capsys):
    with waiting.waiting("loading the panel"):
        assert capsys.readouterr().err == "loading the panel …\n"
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_a_spinner_turns_and_leaves_nothing(monkeypatch):
    stream = io.StringIO()

    def console(**options):
        return PlainConsole(file=stream, force_terminal=True, **options)

    monkeypatch.setattr(waiting, "PlainConsole", console)
    with waiting.waiting("loading the panel"):
        pass
    assert "loading the panel …" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[1A\x1b[2K"), "the line is cleared"
