"""``bootstrap queue add|run|list``: several characters, one after another, through one night.

Each is a process of its own, so that whatever happens to one, crash and kill included, the others have their turn.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bootstrap.errors import BootstrapError, ConfigError, Interrupted, Paused, UsageError
from bootstrap.machine.clock import Clock
from bootstrap.runs.queue import Entry, Queue, State, share_of

__all__ = ["queue_app"]

queue_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Several characters through one night.")
File = Annotated[Path, typer.Option("--file", help="The queue.")]
STANDARD = Path("queue.db")
WAITS = 3
"""Exit code of a run that waits for a person."""


@queue_app.command("add", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def add(context: typer.Context, file: File = STANDARD) -> None:
    """Put a character into the queue: the arguments and options of `bootstrap run`.

    bootstrap queue add mika/ --base puppet --target 40
    """
    from bootstrap.character import load_character
    from bootstrap.cli.run import sorted_out
    from bootstrap.seeds import open_seed

    given = _parsed(context.args)
    for name in ("budget", "until"):
        if given[name] is not None:
            raise ConfigError(f'--{name} "{given[name]}" is the night\'s', f"give it to `bootstrap queue run --{name}`")
    pictures, described = sorted_out(given["sources"])
    for picture in pictures:
        open_seed(picture)
    character = load_character(described)
    run = (given["out"] or Path("runs") / character.trigger).absolute()
    entry = Queue(file).add(run, character.name, Path.cwd(), context.args)
    typer.echo(f"{entry.number}. {entry.name} waits; it grows in {entry.run}")


@queue_app.command("list")
def show(file: File = STANDARD) -> None:
    """Show what waits, what was done, and what failed, with the reason.

    bootstrap queue list
    """
    for entry in _existing(file).entries():
        typer.echo(_line(entry))


@queue_app.command("run")
def run(
    file: File = STANDARD,
    budget: Annotated[str | None, typer.Option(help="Hours of work for all of them: 8h, 90min.")] = None,
    until: Annotated[str | None, typer.Option(help="The time of day at which all must be over: 07:30.")] = None,
) -> None:
    """Work on everything that waits, the time shared evenly; one that fails does not stop the rest.

    bootstrap queue run --until 07:30
    """
    from bootstrap.machine.limits import limits_of
    from bootstrap.store.lock import ProcessLock

    limits, queue, clock = limits_of(budget, until), _existing(file), Clock()
    lock = ProcessLock(file.with_name(f"{file.name}.lock"))
    try:
        _work(queue, QueueNight(limits.budget, limits.until, clock))
    finally:
        lock.release()
    _end(queue.entries(), f"bootstrap queue run --file {shlex.quote(str(file))}")


class QueueNight:
    """The time that all characters share; no limit where none was given."""

    def __init__(self, budget: float | None, until: str | None, clock: Clock) -> None:
        from datetime import datetime

        from bootstrap.machine.limits import next_time

        self._clock, self._budget, self._began = clock, budget, clock.awake()
        now = datetime.fromtimestamp(clock.wall()).astimezone()
        self._deadline = next_time(until, now).timestamp() if until else None

    @property
    def left(self) -> float | None:
        """Seconds that are left; None for no limit."""
        ends = [] if self._budget is None else [self._budget - (self._clock.awake() - self._began)]
        ends += [] if self._deadline is None else [self._deadline - self._clock.wall()]
        return min(ends, default=None)


def _work(queue: Queue, night: QueueNight) -> None:
    while entry := queue.next():
        left = night.left
        if left is not None and left <= 0:
            typer.echo(f"the time is over; {queue.left()} still wait")
            return
        words = [*entry.words]
        if left is not None:
            words += ["--budget", f"{share_of(left, queue.left()):.0f}s"]
        queue.mark(entry.number, "running")
        typer.echo(f"── {entry.name}: {shlex.join(words)}")
        code, stopped = _played(words, entry.folder)
        state, said = _became(code, Path(entry.run))
        queue.mark(entry.number, "waiting" if stopped and state != "done" else state, "" if stopped else said)
        if stopped:
            raise Interrupted(f"stopped by {stopped}")


def _played(words: Sequence[str], folder: str) -> tuple[int, str]:
    """How a run in a process of its own ended, and the signal by which a person stopped it ("" for none).

    It is not reached by Ctrl-C itself: the first wish to stop is handed on once, the second kills it.
    """
    command = [sys.executable, "-m", "bootstrap", "run", *words]
    stopped: list[str] = []
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True) as child:

        def hand_on(number: int, frame: Any) -> None:
            child.terminate() if not stopped else child.kill()
            stopped.append(signal.Signals(number).name)

        with _hearing(hand_on):
            code = child.wait()
    return code, stopped[0] if stopped else ""


@contextlib.contextmanager
def _hearing(handler: Any) -> Iterator[None]:
    from bootstrap.cli.signals import STOPPING

    heard = [one for one in STOPPING if signal.getsignal(one) is not signal.SIG_IGN]
    before = [signal.signal(one, handler) for one in heard]
    try:
        yield
    finally:
        for one, old in zip(heard, before, strict=True):
            signal.signal(one, old)


def _became(code: int, run: Path) -> tuple[State, str]:
    """What an exit code says of a character, and why, as its run remembers it."""
    from bootstrap.runs.following import somebody_works

    if code == 0:
        return "done", ""
    if code < 0:
        return "failed", f"killed by {signal.Signals(-code).name}"
    if code == WAITS:
        return "asks", _reason(run)
    return "failed", "another process works on it" if somebody_works(run) else _reason(run) or f"exit code {code}"


def _reason(run: Path) -> str:
    from bootstrap.runs.sessions import FINISHED, sessions
    from bootstrap.store.store import DATABASE, Store

    if not (run / DATABASE).is_file():
        return ""
    with contextlib.suppress(BootstrapError), Store.open(run, exclusive=False) as store:
        told = sessions(store)
        return told[-1].why if told and told[-1].why != FINISHED else ""
    return ""


def _parsed(words: Sequence[str]) -> dict[str, Any]:
    """The arguments of `bootstrap run` as that command understands them; what it does not is said as it says it."""
    from bootstrap.cli.app import app

    group: Any = typer.main.get_command(app)
    parameters: dict[str, Any] = group.commands["run"].make_context("bootstrap queue add", [*words]).params
    return parameters


def _existing(file: Path) -> Queue:
    if not file.is_file():
        raise UsageError(f'there is no queue "{file}"', "put a character into it: bootstrap queue add …")
    return Queue(file)


def _line(entry: Entry) -> str:
    return f"{entry.number}. {entry.state:<8} {entry.name}  {entry.run}" + (f"  ({entry.said})" if entry.said else "")


def _end(entries: Sequence[Entry], command: str) -> None:
    """Say what became of each; raise what says so to a script."""
    for entry in entries:
        typer.echo(_line(entry))
    failed = [entry.name for entry in entries if entry.state == "failed"]
    asks = [entry.name for entry in entries if entry.state == "asks"]
    if failed:
        hint = "`bootstrap queue add` with the same words lets one wait again"
        raise BootstrapError(f"{len(failed)} of {len(entries)} failed: {', '.join(failed)}", hint)
    if asks:
        raise Paused(f"{', '.join(asks)} wait for you", command)
