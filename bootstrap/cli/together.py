"""``bootstrap run`` and ``check`` of a couple or a group: each member's own run, then all of them married.

One folder holds everything: the members' runs in ``solo/<trigger>``, the marriage beside them. The same command
continues wherever it stopped.
"""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import typer

from bootstrap.character import Character
from bootstrap.character.several_file import SubjectsTogether, load_several
from bootstrap.cli.marry import marry_command
from bootstrap.cli.options import Options
from bootstrap.cli.sources import split_sources
from bootstrap.dataset.bundle_members import require_apart
from bootstrap.dataset.writing import safe_name
from bootstrap.errors import BootstrapError, Paused, UsageError
from bootstrap.runs.accepted import finished_lora
from bootstrap.runs.listing import RUNS
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.standing import finished
from bootstrap.store.files import write_atomic
from bootstrap.store.run_folder import holds_database

__all__ = ["check_together", "run_together"]

SOLO = "solo"
"""Where the members' own runs lie in the folder."""
Command = Callable[[Sequence[Path], Options], None]


def run_together(sources: Sequence[Path], options: Options, run: Command) -> bool:
    """Run a couple or a group by ``run``, the command of one subject; False where the file describes one subject."""
    found = _described(sources)
    if found is None:
        return False
    path, several, characters = found
    directory = options.out or Path(RUNS) / safe_name("-".join(one.trigger for one in characters))
    runs = []
    for place, character in enumerate(characters):
        home = directory / SOLO / safe_name(character.trigger)
        runs.append(str(home))
        if _is_finished(home):
            continue
        typer.echo(f"member {place + 1} of {len(characters)}: {character.name}", err=True)
        description = home.with_name(f"{home.name}.json")
        write_atomic(description, several.text(place).encode())
        try:
            run([*_seeds(path, character), description], replace(options, out=home))
        except Paused as pause:
            command = shlex.join(["bootstrap", "run", *map(str, sources), *options.words()])
            raise Paused(pause.reason, command) from None
    core = several.core_tag
    marry_command(
        runs, out=directory, name=several.name, target=several.together, relations=several.relations, core=core
    )
    return True


def check_together(sources: Sequence[Path], options: Options, check: Command) -> bool:
    """Check each member by ``check``; False where the file describes one subject."""
    found = _described(sources)
    if found is None:
        return False
    path, several, characters = found
    with tempfile.TemporaryDirectory() as place:
        for number, character in enumerate(characters):
            typer.echo(f"member {number + 1} of {len(characters)}: {character.name}")
            description = Path(place) / f"{safe_name(character.trigger)}.json"
            write_atomic(description, several.text(number).encode())
            check([*_seeds(path, character), description], options)
    typer.echo(f"then both are married: {several.together} pictures of everyone (`bootstrap docs several`)")
    return True


def _described(sources: Sequence[Path]) -> tuple[Path, SubjectsTogether, list[Character]] | None:
    """The file of a couple or a group among the sources; None where there is none. Raises UsageError."""
    descriptions, rest = split_sources(sources)
    if len(descriptions) != 1 or not descriptions[0].is_file():
        return None
    found = load_several(descriptions[0])
    if found is None:
        return None
    several, characters = found
    require_apart({f"members.{place}": one.trigger for place, one in enumerate(characters)})
    if rest and rest != [descriptions[0].parent]:
        hint = "name the seeds of each member in its `seeds`"
        raise UsageError(f'"{rest[0]}" stands beside the file of a {several.kind}', hint)
    return descriptions[0], several, characters


def _seeds(path: Path, character: Character) -> list[Path]:
    """The pictures that a member names, beside the file."""
    return [path.parent / note.file for note in character.seeds]


def _is_finished(home: Path) -> bool:
    """Whether a member's run has its LoRA."""
    if not holds_database(home):
        return False
    with contextlib.suppress(BootstrapError), open_to_read(home) as store:
        return finished(store.events()) and finished_lora(store) is not None
    return False
