"""Help: every command in a group and every option below a heading, nothing cut off, at any width."""

import dataclasses

import pytest
import typer

from bootstrap.cli.app import app
from bootstrap.cli.help_pages import GROUPS
from bootstrap.cli.options import HEADINGS, Options

COMMANDS = typer.main.get_command(app)


def every_command():
    """The words of each command, of groups too."""
    yield ()
    for name, command in COMMANDS.commands.items():
        yield (name,)
        yield from ((name, inner) for inner in getattr(command, "commands", ()))


@pytest.mark.parametrize("columns", ["60", "80", "100"])
def test_help_is_whole_and_no_wider_than_the_terminal(call, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    for words in every_command():
        said = call(*words, "--help").out
        assert "…" not in said, words
        assert "... " not in said.replace("SEED... ", "").replace("ID... ", "").replace("]... ", ""), words
        longest = max(said.splitlines(), key=len)
        assert len(longest) <= int(columns) or longest.strip().count(" ") == 0, longest


def test_every_command_stands_in_one_group(call):
    named = [name for names in GROUPS.values() for name in names]
    assert len(named) == len(set(named))
    assert set(COMMANDS.commands) <= set(named)
    said = call("--help").out
    for heading in GROUPS:
        assert f"\n{heading}:\n" in said
    assert "this machine, also while the run works." in " ".join(said.split())


def test_every_option_of_a_run_stands_below_one_heading(call):
    named = [name for names in HEADINGS.values() for name in names]
    assert sorted(named) == sorted(one.name for one in dataclasses.fields(Options))
    said = call("run", "--help").out
    for heading in HEADINGS:
        assert f"\n{heading}:\n" in said


def test_the_version_is_told_both_ways(call):
    assert call("--version").out == call("version").out
