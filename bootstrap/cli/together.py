"""``bootstrap run`` and ``check`` of a couple or a group: each member's own run, then all of them married.

One folder holds everything: the members' runs in ``solo/<trigger>``, the marriage beside them. The same command
continues wherever it stopped.
"""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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
from bootstrap.machine.limits import Limits, limits_of, seconds_of
from bootstrap.runs.accepted import finished_lora
from bootstrap.runs.listing import RUNS, SOLO
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.standing import finished
from bootstrap.seeds.checks import FIGURE
from bootstrap.store.files import write_atomic
from bootstrap.store.run_folder import holds_database

__all__ = ["Together", "check_together", "described_together", "run_together", "with_share_of_hours"]

Command = Callable[[Sequence[Path], Options], None]


@dataclass(frozen=True)
class Together:
    """The file of a couple or a group, what it says, and its members."""

    path: Path
    several: SubjectsTogether
    members: Sequence[Character]

    @property
    def name(self) -> str:
        """What people call them together."""
        return self.several.name or " and ".join(one.name for one in self.members)

    def directory(self, options: Options) -> Path:
        """The folder that holds everything."""
        return options.out or Path(RUNS) / safe_name("-".join(one.trigger for one in self.members))

    def seeds(self, member: Character) -> list[Path]:
        """The pictures that a member names, beside the file; a sheet of which it names figures once."""
        names = dict.fromkeys(FIGURE.sub("", note.file) for note in member.seeds)
        return [self.path.parent / name for name in names]


def run_together(sources: Sequence[Path], options: Options, run: Command) -> bool:
    """Run a couple or a group by ``run``, the command of one subject; False where the file describes one subject."""
    found = described_together(sources)
    if found is None:
        return False
    several, directory, runs = found.several, found.directory(options), []
    for place, character in enumerate(found.members):
        home = directory / SOLO / safe_name(character.trigger)
        runs.append(str(home))
        if _is_finished(home):
            continue
        typer.echo(f"member {place + 1} of {len(found.members)}: {character.name}", err=True)
        description = home.with_name(f"{home.name}.json")
        write_atomic(description, several.text(place).encode())
        try:
            own = with_share_of_hours(options, place, len(found.members), datetime.now().astimezone())
            run([*found.seeds(character), description], replace(own, out=home))
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
    found = described_together(sources)
    if found is None:
        return False
    with tempfile.TemporaryDirectory() as place:
        for number, character in enumerate(found.members):
            typer.echo(f"member {number + 1} of {len(found.members)}: {character.name}")
            description = Path(place) / f"{safe_name(character.trigger)}.json"
            write_atomic(description, found.several.text(number).encode())
            check([*found.seeds(character), description], options)
    everyone = "both" if len(found.members) == 2 else f"all {len(found.members)}"
    typer.echo(f"then {everyone} are married: {found.several.together} pictures of everyone (`bootstrap docs several`)")
    return True


def with_share_of_hours(options: Options, place: int, members: int, now: datetime) -> Options:
    """The options of the run of the member at ``place``: its equal share of the hours, as large as the marriage's.

    Of ``--until`` what is left at ``now`` is shared among the members that are left and the marriage.
    """
    limits, shares = limits_of(options.budget, options.until), []
    if limits.budget is not None:
        shares.append(limits.budget / (members + 1))
    if limits.until is not None:
        shares.append((seconds_of(Limits(until=limits.until), now) or 0.0) / (members + 1 - place))
    return replace(options, budget=f"{max(1.0, min(shares)):.0f}s", until=None) if shares else options


def described_together(sources: Sequence[Path]) -> Together | None:
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
    return Together(descriptions[0], several, characters)


def _is_finished(home: Path) -> bool:
    """Whether a member's run has its LoRA."""
    if not holds_database(home):
        return False
    with contextlib.suppress(BootstrapError), open_to_read(home) as store:
        return finished(store.events()) and finished_lora(store) is not None
    return False
