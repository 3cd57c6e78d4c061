"""Words of the command line that earlier versions knew by another name: each becomes one line with the new name."""

from __future__ import annotations

from collections.abc import Sequence

from bootstrap.errors import UsageError

__all__ = ["refuse_renamed"]

COMMANDS = {"gate": "approval"}
OPTIONS = {"--gate": "--approval", "--seed": "--random-seed"}


def refuse_renamed(words: Sequence[str]) -> None:
    """Raise UsageError for the first command or option that has another name now."""
    if words and words[0] in COMMANDS:
        new = COMMANDS[words[0]]
        raise UsageError(f'the command "{words[0]}" is now "{new}"', f"see: bootstrap {new} --help")
    for word in words:
        name, _, _ = word.partition("=")
        if name in OPTIONS:
            raise UsageError(f'the option "{name}" is now "{OPTIONS[name]}"', "give the same value with the new name")
