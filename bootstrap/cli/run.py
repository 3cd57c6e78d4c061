"""``bootstrap run``: check everything that a person gave, open the run, play it, say what came out."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

import typer

from bootstrap.character import Character, load_character
from bootstrap.config import RunConfig, known, load
from bootstrap.errors import ConfigError, UsageError
from bootstrap.listeners.jsonl import JsonLog
from bootstrap.listeners.terminal import Terminal
from bootstrap.seeds import gather, open_seed
from bootstrap.store.store import Store

__all__ = ["run_command"]


def run_command(
    sources: Sequence[Path],
    *,
    base: str | None,
    target: int | None,
    rounds: int | None,
    seed: int,
    out: Path | None,
    settings: Sequence[str],
    backend: str,
) -> None:
    """Validate before anything is loaded, then run; raises what `bootstrap.cli.main` turns into one line."""
    pictures, described = _sorted_out(sources)
    character = load_character(described)
    for picture in pictures:
        open_seed(picture)
    config = resolve(
        character,
        described,
        pictures,
        base=base,
        target=target,
        rounds=rounds,
        seed=seed,
        settings=settings,
        backend=backend,
    )
    directory = out or Path("runs") / character.trigger
    with Store.open(directory, create=True) as store, _listening(store, directory):
        _play(store, config, character, pictures)


def _sorted_out(sources: Sequence[Path]) -> tuple[list[Path], Path]:
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
    character: Character,
    described: Path,
    pictures: Sequence[Path],
    *,
    base: str | None,
    target: int | None,
    rounds: int | None,
    seed: int,
    settings: Sequence[str],
    backend: str,
) -> RunConfig:
    """The configuration: shipped files, the character's base, then the command line."""
    name = base or character.base
    if not name:
        command = " ".join(["bootstrap run", *map(str, pictures), str(described), "--base", known("base")[0]])
        raise ConfigError(f'no base model: "{described}" names none', f"for example: {command}")
    overrides = [*settings]
    overrides += [f"loop.target={target}"] if target else []
    overrides += [f"loop.rounds={rounds}"] if rounds else []
    return load(name, views=character.views, subject=character.kind, overrides=overrides, seed=seed, backend=backend)


def _play(store: Store, config: RunConfig, character: Character, pictures: Sequence[Path]) -> None:
    from loops.opening import open_engine
    from loops.run import run

    engine = open_engine(store, config, character, pictures)
    try:
        with _stopping(engine):
            done = run(engine)
    finally:
        engine.backend.close()
    typer.echo(f"dataset  {done.dataset}  ({done.kept} kept, {done.provisional} provisional)")
    typer.echo(f"lora     {done.adapter}")
    typer.echo(f"report   {done.report}")


@contextlib.contextmanager
def _listening(store: Store, directory: Path) -> Iterator[None]:
    """Terminal and log hear every event while the run goes on."""
    with Terminal() as terminal:
        store.listen(terminal)
        store.listen(JsonLog(directory / "log.jsonl", store.log()))
        yield


@contextlib.contextmanager
def _stopping(engine: object) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) asks the engine to stop at a safe point, the second stops at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        if getattr(engine, "stop_asked", False):
            raise KeyboardInterrupt
        engine.stop_asked = True  # type: ignore[attr-defined]
        typer.echo("stopping at the next safe point (again to stop at once) ...", err=True)

    signals = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(one, ask) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
