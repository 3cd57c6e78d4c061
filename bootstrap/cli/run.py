"""``bootstrap run``: check everything that a person gave, open the run, play it, say what came out."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from bootstrap.backends.bases import check_base
from bootstrap.character import Character, load_character
from bootstrap.cli.choosing import choose_base
from bootstrap.cli.signals import stopping
from bootstrap.config import RunConfig, embedded, load, read_own
from bootstrap.config.estimate import check_memory
from bootstrap.errors import BackendError, ConfigError, Paused, UsageError
from bootstrap.events import Noted
from bootstrap.listeners.jsonl import JsonLog
from bootstrap.listeners.notify import Notifier, notifying
from bootstrap.listeners.terminal import Terminal
from bootstrap.machine.clock import Clock
from bootstrap.machine.limits import Limits, limits_of
from bootstrap.runs.peak_memory import PeakMemory
from bootstrap.runs.sentences import duration
from bootstrap.runs.sessions import session
from bootstrap.seeds import gather, open_seed
from bootstrap.store.store import DATABASE, Store

__all__ = ["Options", "resolve", "run_command", "sorted_out"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line may say besides pictures and character; None where it says nothing."""

    base: str | None = None
    target: int | None = None
    rounds: int | None = None
    random_seed: int | None = None
    out: Path | None = None
    config: Path | None = None
    settings: tuple[str, ...] = ()
    backend: str | None = None
    gate: str | None = None
    budget: str | None = None
    until: str | None = None
    notify: tuple[str, ...] = ()
    profile: str | None = None

    def words(self) -> list[str]:
        """The options as they would be typed."""
        names = (
            "base",
            "target",
            "rounds",
            "random_seed",
            "out",
            "config",
            "profile",
            "backend",
            "gate",
            "budget",
            "until",
        )
        single = {name: getattr(self, name) for name in names}
        given = [
            word
            for name, value in single.items()
            if value is not None
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        more = {"set": self.settings, "notify": self.notify}
        return [*given, *(word for name, texts in more.items() for text in texts for word in (f"--{name}", text))]


def run_command(sources: Sequence[Path], options: Options) -> None:
    """Validate before anything is loaded, then run; raises what `bootstrap.cli.main` turns into one line."""
    limits, notifier = limits_of(options.budget, options.until), Notifier(options.notify)
    pictures, described = sorted_out(sources)
    character = load_character(described)
    for picture in pictures:
        open_seed(picture)
    directory = options.out or Path("runs") / character.trigger
    command = shlex.join(["bootstrap", "run", *map(str, sources), *options.words()])
    config = resolve(character, options, _begun_with(directory), f'"{described}" names none', command)
    _check_base(config)
    with (
        Store.open(directory, create=True) as store,
        _listening(store, directory),
        notifying(store, notifier, character.name),
    ):
        try:
            _play(store, config, character, pictures, limits)
        except Paused as pause:
            raise Paused(pause.reason, command) from None


def sorted_out(sources: Sequence[Path]) -> tuple[list[Path], Path]:
    """The seed pictures and the character file among the arguments."""
    described = [path for path in sources if path.suffix.lower() == ".json"]
    rest = [path for path in sources if path not in described]
    if not described and len(rest) == 1 and rest[0].is_dir() and (rest[0] / "character.json").is_file():
        described = [rest[0] / "character.json"]
    if len(described) != 1:
        given = " ".join(map(str, sources))
        raise UsageError(f'"{given}" names {len(described)} character files', "give pictures and one character.json")
    return gather(rest), described[0]


def resolve(
    character: Character, options: Options, begun_with: str | None = None, why: str = "", command: str = "bootstrap run"
) -> RunConfig:
    """The configuration: shipped files, the own file, the character, then the command line.

    A base that nobody named is the one the run was ``begun_with``, or asked for: ``why`` and ``command`` are for that
    question. Raises ConfigError.
    """
    own = read_own(options.config) if options.config else {}
    name = options.base or _base_of(own) or character.base or begun_with or choose_base(command, why)
    own = {key: part for key, part in own.items() if not (key == "base" and isinstance(part, str))}
    counts = {"loop.target": options.target, "loop.rounds": options.rounds, "loop.gate": options.gate}
    own |= {name: value for name in ("random_seed", "backend") if (value := getattr(options, name)) is not None}
    return load(
        name,
        views=character.views,
        subject=character.kind,
        own=own,
        profile=options.profile or ("none" if own.get("backend") == "fake" else "auto"),
        overrides=[*options.settings, *(f"{path}={count}" for path, count in counts.items() if count is not None)],
    )


def _base_of(own: dict[str, Any]) -> str | None:
    """The base that a configuration names: as text, or as a section with a name."""
    part = own.get("base")
    named = part.get("name") if isinstance(part, dict) else part
    return str(named) if named else None


def _begun_with(directory: Path) -> str | None:
    """The base of the run in a directory, if one was begun there; damage is told when the run is opened."""
    if not (directory / DATABASE).is_file():
        return None
    with contextlib.suppress(UsageError), Store.open(directory, exclusive=False) as store:
        return _base_of(json.loads(store.recall("config") or "{}"))
    return None


def _check_base(config: RunConfig) -> None:
    """Raise ConfigError when base or optimizers cannot be used on this machine, before a run is begun with them."""
    from bootstrap.machine.inventory import accelerator

    if config.backend == "fake":
        return
    try:
        check_base(embedded(config.base.path))
        for recipe in (config.base.style, config.base.character):
            recipe.check_packages()
        check_memory(config, accelerator())
    except BackendError as error:
        raise ConfigError(error.message, error.hint) from error


def _play(store: Store, config: RunConfig, character: Character, pictures: Sequence[Path], limits: Limits) -> None:
    from loops.opening import open_engine
    from loops.run import run
    from loops.time_left import Hours

    clock = Clock()
    hours = Hours(store, limits, clock) if limits else None
    engine = open_engine(store, config, character, pictures)
    engine.clock, engine.hours = clock, hours
    engine.attended = sys.stdin.isatty() and sys.stderr.isatty()
    try:
        with session(store), stopping(engine):  # a command that is refused leaves the run as it was
            done = run(engine)
    finally:
        engine.drawer.close()
    typer.echo(f"dataset  {done.dataset}  ({done.kept} kept, {done.provisional} provisional)")
    typer.echo(f"lora     {done.adapter}")
    typer.echo(f"report   {done.report}")
    if hours and hours.left < 0:
        typer.echo(f"hours    over by {duration(-hours.left)}")


@contextlib.contextmanager
def _listening(store: Store, directory: Path) -> Iterator[None]:
    """Terminal and log hear every event while the run goes on."""
    with Terminal() as terminal:
        store.listen(terminal)
        if store.recovered:
            terminal(Noted(store.recovered))
        store.listen(JsonLog(directory / "log.jsonl", store.log()))
        store.listen(PeakMemory(store))
        yield
