"""What a check found: problems that stand in the way of a run, and notes that a person should read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import typer

from bootstrap.errors import BootstrapError
from bootstrap.machine.plain_output import one_line

__all__ = ["Findings"]


@dataclass
class Findings:
    """Problems and notes, in the order in which they were found."""

    problems: list[BootstrapError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """An expected failure of the block becomes a problem, and the check goes on."""
        try:
            yield
        except BootstrapError as error:
            if str(error) not in map(str, self.problems):
                self.problems.append(error)

    def print(self) -> None:
        """Notes to stdout, problems with their hints to stderr."""
        for note in self.notes:
            typer.echo(f"note: {one_line(note)}")
        for problem in self.problems:
            typer.echo(f"error: {one_line(problem.message)}", err=True)
            if problem.hint:
                typer.echo(f"hint: {one_line(problem.hint)}", err=True)
