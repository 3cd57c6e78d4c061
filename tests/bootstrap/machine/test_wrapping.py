"""Sentences on a terminal are broken between words, at any width; commands, tables and JSON stay whole."""

import io

import pytest
from rich.console import Console

from bootstrap.machine.plain_console import print_line
from bootstrap.machine.plain_output import PlainStream, wrapped

NOTE = "note: no scorer can check outfits: aqua sweater, pink shirt (did you mean 'pink hair'?), 붉은 치마"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100])
def test_no_word_is_broken_and_no_line_too_wide(width):
    for text in (NOTE, f"seed       {NOTE[6:]}", f"  {NOTE[6:]}", f"           {NOTE[6:]}"):
        lines = wrapped(text, width).split("\n")
        assert " ".join(" ".join(lines).split()) == " ".join(text.split())
        assert max(map(len, lines)) <= width
        assert all(line.startswith(" ") for line in lines[1:])


@pytest.mark.parametrize(
    "text",
    [
        "ready      bootstrap run seed.png character.json --base puppet --set loop.target=4",
        "hint: hf download owner/a-model-with-a-long-name",
        '  "prompt": "one two three four five six seven eight nine ten",',
        "12\tone two three four five six seven\tand more of it",
    ],
)
def test_what_is_copied_stays_whole(text):
    assert wrapped(text, 30) == text


def test_commands_and_listeners_wrap_on_a_terminal_only(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    screen, file = Screen(), io.StringIO()
    for stream in (screen, file):
        PlainStream(stream).write(f"{NOTE}\n")
        print_line(Console(file=stream, force_terminal=stream is screen, width=40, color_system=None), NOTE)
    assert screen.getvalue() == f"{wrapped(NOTE, 40)}\n" * 2
    assert file.getvalue() == f"{NOTE}\n" * 2
