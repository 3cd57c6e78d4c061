"""``bootstrap bundle``: one LoRA of several members, out of finished runs and of folders of captioned pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bootstrap.cli.run import listening
from bootstrap.cli.signals import stopping
from bootstrap.config import RunConfig, load
from bootstrap.dataset.bundle_members import MEMBERS, require_apart
from bootstrap.dataset.writing import safe_name
from bootstrap.errors import ConfigError, UsageError
from bootstrap.export.gathered_members import GivenMember, base_of, look_at
from bootstrap.runs.fakes import fake_note
from bootstrap.runs.listing import RUNS, remember_command
from bootstrap.runs.open_to_read import open_to_read
from bootstrap.runs.run_models import check_base_files
from bootstrap.runs.sessions import session
from bootstrap.store.run_folder import holds_database
from bootstrap.store.store import Store

if TYPE_CHECKING:
    from loops.finish import Finished
    from loops.several import Several

__all__ = ["bundle_command", "look_at_all", "settings_of_all", "work_on_several"]


def bundle_command(
    members: Sequence[str],
    *,
    out: Path | None,
    name: str = "",
    base: str | None = None,
    settings: Sequence[str] = (),
    backend: str | None = None,
) -> None:
    """Check what a person gave, train all together, print what came out."""
    given = look_at_all(members)
    config = settings_of_all(given, base, settings, backend)
    directory = out or Path(RUNS) / safe_name("-".join(one.trigger for one in given))
    words = ["bootstrap", "bundle", *members, *_options(out, name, base, settings, backend)]

    def work(several: Several) -> Finished:
        from loops.bundle import bundle

        return bundle(several)

    work_on_several(directory, given, config, name, words, work)


def _options(
    out: Path | None, name: str, base: str | None, settings: Sequence[str], backend: str | None
) -> Iterator[str]:
    """The options as they would be typed."""
    for option, value in (("--out", out), ("--name", name), ("--base", base), ("--backend", backend)):
        if value:
            yield from (option, str(value))
    for text in settings:
        yield from ("--set", text)


def look_at_all(members: Sequence[str]) -> list[GivenMember]:
    """The members that a person names, at least two, apart from each other. Raises UsageError."""
    given = [look_at(text) for text in members]
    if len({one.folder.resolve() for one in given}) < 2:
        raise UsageError(f'"{" ".join(members)}" names fewer than two members', "name two runs or folders, or more")
    require_apart({one.source: one.trigger for one in given})
    return given


def settings_of_all(
    given: Sequence[GivenMember], base: str | None, settings: Sequence[str], backend: str | None = None
) -> RunConfig:
    """The settings of the first run, or those of ``base`` where all are folders. Raises UsageError or ConfigError."""
    config = base_of(given)
    own = {"backend": backend} if backend else {}
    if config is None:
        if base is None:
            raise UsageError("folders of pictures name no base", "name it: --base PRESET")
        config = load(base, own=own, profile="none" if backend == "fake" else "auto", overrides=list(settings))
    elif base is not None and base != config.base.name:
        raise UsageError(f'--base "{base}" is not "{config.base.name}", the base of the runs', "leave --base out")
    elif settings or backend:
        raise UsageError("--set and --backend are for folders of pictures", "a bundle of runs has their settings")
    if config.backend != "fake":
        check_base_files(config.base)
    return config


def work_on_several(
    directory: Path,
    given: Sequence[GivenMember],
    config: RunConfig,
    name: str,
    words: Sequence[str],
    work: Callable[[Several], Finished],
    *,
    together: bool = False,
) -> None:
    """Open a run of several, work on it, print what came out; the same call continues it."""
    _require_of_several(directory)
    if note := fake_note(config):
        typer.echo(f"note: {note}", err=True)
    from loops.several import open_several

    with (
        Store.open(directory, create=True) as store,
        listening(store, directory),
        _closing(open_several(store, given, config, name, together)) as several,
    ):
        remember_command(store, words)
        with session(store), stopping(several.engine):
            done = work(several)
        typer.echo(f"dataset  {done.dataset}  ({done.kept} pictures)")
        typer.echo(f"lora     {done.adapter}")
        typer.echo(f"report   {done.report}")


@contextmanager
def _closing(several: Several) -> Iterator[Several]:
    """The models are freed at the end."""
    try:
        yield several
    finally:
        several.engine.close()


def _require_of_several(directory: Path) -> None:
    """Raise ConfigError where the run of a single subject lies."""
    if not holds_database(directory):
        return
    with open_to_read(directory) as store:
        if store.recall("config") is not None and store.recall(MEMBERS) is None:
            raise ConfigError(f'"{directory}" is the run of a single subject', "choose another --out")
