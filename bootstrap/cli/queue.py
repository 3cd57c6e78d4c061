"""``bootstrap queue add|run|list``: several characters, one after another, through one night."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootstrap.cli.help_pages import GroupedCommands
from bootstrap.cli.options import parse_run
from bootstrap.errors import BootstrapError, ConfigError, Paused, StoreError, UsageError
from bootstrap.runs.queue import LOST, Entry, Queue

if TYPE_CHECKING:
    from bootstrap.character import Character
    from bootstrap.cli.options import Options
    from bootstrap.runs.queue_work import SharedTime

__all__ = ["queue_app"]

queue_app = typer.Typer(
    cls=GroupedCommands, no_args_is_help=True, rich_markup_mode=None, help="Several characters through one night."
)
File = Annotated[Path, typer.Option("--file", help="The queue.")]
STANDARD = Path("queue.db")


@queue_app.command("add", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def add(context: typer.Context, file: File = STANDARD) -> None:
    """Put a character into the queue, with the arguments and options of `bootstrap run`.

    bootstrap queue add mika/ --base puppet --target 40

    bootstrap queue add yuki/ --base puppet --budget 2h

    bootstrap queue add couple.json
    """
    from bootstrap.cli.together import described_together
    from bootstrap.machine.limits import limits_of

    sources, options = parse_run(context.args, "bootstrap queue add")
    limits_of(options.budget, options.until)
    if options.until is not None:
        message = f'--until "{options.until}" belongs to the whole queue'
        raise ConfigError(message, "give it to `bootstrap queue run --until`; --budget limits one character")
    if several := described_together(sources):
        for member in several.members:
            _require_sound(several.seeds(member), member, options)
        name, run = several.name, several.directory(options)
    else:
        name, run = _one_subject(sources, options)
    entry = Queue(file).add(run.absolute(), name, Path.cwd(), context.args)
    typer.echo(f"{entry.number}. {entry.name} waits; its run is {entry.run}")


def _one_subject(sources: Sequence[Path], options: Options) -> tuple[str, Path]:
    """The name of a subject and the folder of its run. Raises BootstrapError where its run could not begin."""
    from bootstrap.character import load_character
    from bootstrap.cli.resolve import run_folder
    from bootstrap.cli.sources import sort_sources

    pictures, description = sort_sources(sources)
    character = load_character(description)
    _require_sound(pictures, character, options)
    return character.name, run_folder(character, options)


def _require_sound(pictures: Sequence[Path], character: Character, options: Options) -> None:
    """Raise BootstrapError for a picture that cannot be opened, or a base that is not what it is said to be."""
    from bootstrap.cli.which_base import settle_base
    from bootstrap.pictures import open_picture

    for picture in pictures:
        open_picture(picture)
    if (base := options.base or character.base) and options.backend != "fake":
        settle_base(base, [text.partition("=")[0].strip() for text in options.settings], preset=options.preset)


@queue_app.command("list")
def show(file: File = STANDARD) -> None:
    """Show what waits, what is done, and what failed, with the reason.

    bootstrap queue list
    """
    for entry in _existing(file).entries():
        typer.echo(_line(entry))


@queue_app.command("run")
def run(
    file: File = STANDARD,
    budget: Annotated[str | None, typer.Option(help="Hours of work for all of them: 8h, 90min.")] = None,
    until: Annotated[str | None, typer.Option(help="The time of day at which all must end: 07:30.")] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Several at once on Ray: auto, local, ray://HOST:PORT.")
    ] = None,
    at_once: Annotated[int | None, typer.Option(min=1, help="Characters at once on Ray [one a card].")] = None,
    card_share: Annotated[
        float, typer.Option(min=0.05, max=1, help="Share of a card that one takes on Ray: 0.5 puts two on each.")
    ] = 1.0,
) -> None:
    """Run every character that waits, the time shared evenly; one that fails does not stop the rest.

    bootstrap queue run --until 07:30
    """
    from bootstrap.machine.clock import Clock
    from bootstrap.machine.limits import limits_of
    from bootstrap.runs.queue_work import SharedTime, run_process, work_through
    from bootstrap.store.lock import ProcessLock

    limits, queue = limits_of(budget, until), _existing(file)
    if ray is None and (at_once is not None or card_share != 1.0):
        raise UsageError("--at-once and --card-share work on Ray only", "add --ray auto")
    lock = ProcessLock(file.with_name(f"{file.name}.lock"))
    try:
        time = SharedTime(limits, Clock())
        if ray is None:
            work_through(queue, time, run_process, typer.echo)
        else:
            _on_ray(ray, queue, time, at_once or 0, card_share)
    finally:
        lock.release()
    _end(queue.entries(), f"bootstrap queue run --file {shlex.quote(str(file))}")


def _on_ray(address: str, queue: Queue, time: SharedTime, at_once: int, share: float) -> None:
    from bootstrap.studio.characters import Night, work_through_on
    from bootstrap.studio.cluster import joined
    from bootstrap.studio.metrics import Metrics

    with joined(address, workers=at_once) as cluster:
        if cluster.dashboard:
            typer.echo(f"Ray's dashboard: {cluster.dashboard}")
        metrics = Metrics(cluster.gauge)
        work_through_on(Night(cluster, queue, time, typer.echo, share, at_once, metrics))


def _existing(file: Path) -> Queue:
    if not file.is_file():
        raise UsageError(f'there is no queue "{file}"', "put a character into it: bootstrap queue add …")
    if not file.stat().st_size:
        raise StoreError(f"the queue '{file}' is empty: it was cut short, or its first character was never added", LOST)
    return Queue(file)


def _line(entry: Entry) -> str:
    line = f"{entry.number}. {entry.state:<8} {entry.name}  {entry.run}"
    if entry.reason:
        line += f"  ({entry.reason})"
    return line


def _end(entries: Sequence[Entry], command: str) -> None:
    """Print what became of each; raise where one failed or waits for a person, so that a script can see it."""
    for entry in entries:
        typer.echo(_line(entry))
    failed = [entry.name for entry in entries if entry.state == "failed"]
    waiting = [entry.name for entry in entries if entry.state == "asks"]
    if failed:
        hint = "to try one again, repeat its `bootstrap queue add` command"
        raise BootstrapError(f"{len(failed)} of {len(entries)} failed: {', '.join(failed)}", hint)
    if waiting:
        raise Paused(f"{', '.join(waiting)} wait for you", command)
