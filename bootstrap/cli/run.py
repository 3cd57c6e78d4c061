"""``bootstrap run``: check everything a person gave, open the run, work on it, print what came out."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import typer

from bootstrap.backends.fitting_settings import check_quantising
from bootstrap.character import Character, load_character
from bootstrap.cli.options import Options
from bootstrap.cli.resolve import base_begun_with, resolve, run_folder
from bootstrap.cli.signals import stopping
from bootstrap.cli.sources import sort_sources
from bootstrap.cli.which_base import base_notes
from bootstrap.config import RunConfig
from bootstrap.config.memory import check_memory
from bootstrap.errors import BackendError, ConfigError, Paused
from bootstrap.events import Incident, Progress
from bootstrap.listeners.jsonl import JsonLog
from bootstrap.listeners.notify import Notifier, notifying
from bootstrap.listeners.progress_file import ProgressFile
from bootstrap.listeners.terminal import Terminal
from bootstrap.machine.clock import Clock
from bootstrap.machine.limits import Limits, limits_of
from bootstrap.panel.availability import require_panel, unjudged
from bootstrap.pictures import open_picture
from bootstrap.readers.open_reader import check_reader
from bootstrap.retouch.upscale_models import open_upscaler
from bootstrap.runs.accepted import ACCEPTANCE, last_accepted
from bootstrap.runs.consents import Consent, consents_of_run, remember_consents, unanswered
from bootstrap.runs.control_pictures import check_control_pictures, words_alone
from bootstrap.runs.fakes import fake_note
from bootstrap.runs.listing import remember_command
from bootstrap.runs.outside_drawers import check_drawers
from bootstrap.runs.peak_memory import PeakMemory
from bootstrap.runs.run_models import check_base_files
from bootstrap.runs.sentences import duration
from bootstrap.runs.sessions import session
from bootstrap.seeds import MOST_SEEDS
from bootstrap.store.store import Store
from bootstrap.studio.pool import Pooling, pooling

__all__ = ["listening", "run_command"]


def run_command(sources: Sequence[Path], options: Options) -> None:
    """Validate before anything is loaded, then run; raises what `bootstrap.cli.main` turns into one line."""
    limits, notifier = limits_of(options.budget, options.until), Notifier(options.notify)
    pictures, description = sort_sources(sources)
    character = load_character(description)
    if len(pictures) <= MOST_SEEDS:  # of many, those that cannot be opened are set aside
        for picture in pictures:
            open_picture(picture)
    directory = run_folder(character, options)
    begun = ["bootstrap", "run", *map(str, sources)]
    command = shlex.join([*begun, *options.words()])
    words = [*begun, *replace(options, notify=[]).words()]  # addresses of notifications hold passwords
    config = resolve(character, options, base_begun_with(directory), f'"{description}" names none', command)
    consents = _agreed(config, options, directory)
    _check_base(config)
    notes = [*base_notes(config.base), *words_alone(config, character)]
    if config.panel.on_missing == "smaller" and (blind := unjudged(config.panel)):
        notes.append(blind)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    with (
        Store.open(directory, create=True) as store,
        listening(store, directory),
        notifying(store, notifier, character.name),
    ):
        try:
            together = options.train_together
            with pooling(options.ray, options.workers, train_together=together) as workers:
                _work(store, config, character, pictures, limits, consents, words, workers)
        except Paused as pause:
            raise Paused(pause.reason, command) from None


def _agreed(config: RunConfig, options: Options, directory: Path) -> list[Consent]:
    """What was agreed to for the run's drawers and readers. Raises ConfigError for the first thing that was not."""
    needed = consents_of_run(config)
    for error in unanswered(needed, options.words(), directory):
        raise error
    return needed


def _check_base(config: RunConfig) -> None:
    """Raise ConfigError when drawer, base or optimizers cannot be used here, before a run is begun with them."""
    from bootstrap.machine.inventory import accelerator

    try:
        check_drawers(config)
        if config.upscale:
            open_upscaler(config.upscale, "cpu")
        for reader in config.readers:
            check_reader(reader)
        if config.backend == "fake":
            return
        check_base_files(config.base)
        check_quantising(config.base.sampling.quantise, config.base.networks)
        require_panel(config.panel, config.base.name)
        check_control_pictures(config)
        for recipe in config.base.recipes.values():
            recipe.check_packages()
        check_memory(config, accelerator())
    except BackendError as error:
        raise ConfigError(error.message, error.hint) from error


def _work(
    store: Store,
    config: RunConfig,
    character: Character,
    pictures: Sequence[Path],
    limits: Limits,
    consents: Sequence[Consent],
    words: Sequence[str],
    workers: Pooling | None,
) -> None:
    from loops.open_engine import open_engine
    from loops.run import run
    from loops.time_left import Hours

    clock = Clock()
    hours = Hours(store, limits, clock) if limits else None
    engine = open_engine(store, config, character, pictures, hours, workers)
    store.append_event(Progress("looking at the seeds", 1, 1))
    if note := fake_note(config):
        typer.echo(f"note: {note}", err=True)
    remember_consents(store, consents)
    remember_command(store, words)
    engine.clock = clock
    engine.attended = sys.stdin.isatty() and sys.stderr.isatty()
    try:
        with session(store), stopping(engine):  # entered last: a refused command leaves the run as it was
            done = run(engine)
    finally:
        engine.close()
    fake = ", fake" if config.backend == "fake" else ""
    typer.echo(f"dataset  {done.dataset}  ({done.kept} kept, {done.provisional} provisional{fake})")
    typer.echo(f"lora     {done.adapter}")
    typer.echo(f"report   {done.report}")
    if accepted := last_accepted(store):
        typer.echo(f"weight   {accepted.weight:g} is the best one to draw with  ({store.directory / ACCEPTANCE})")
    if hours and hours.left < 0:
        typer.echo(f"hours    over by {duration(-hours.left)}")


@contextlib.contextmanager
def listening(store: Store, directory: Path) -> Iterator[None]:
    """Send every event of the block to the terminal, the log file and the memory watch."""
    with Terminal() as terminal:
        store.listen(terminal)
        for line in store.recovered:
            terminal(Incident("damage", line))
        store.listen(JsonLog(directory / "log.jsonl", store.log()))
        store.listen(PeakMemory(store))
        progress = ProgressFile(directory)
        store.listen(progress)
        try:
            yield
        finally:
            progress.close()
