"""``bootstrap check``: everything that can be known before a run, every problem at once, no model loaded."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path

import typer
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character, load_character
from bootstrap.character.triggers import trigger_warnings
from bootstrap.cli.run import Options, resolve
from bootstrap.config import RunConfig, embedded, load
from bootstrap.config.estimate import (
    Cost,
    check_memory,
    cost_of,
    decoys_of,
    duration,
    flops_of,
    rounds_expected,
    rounds_that_fit,
    unknown_words,
)
from bootstrap.config.profiles import NIGHT, night_of, profiles
from bootstrap.errors import BackendError, BootstrapError, OutputError, UsageError
from bootstrap.machine.limits import Limits, limits_of, seconds_of
from bootstrap.panel.availability import blind_spots, missing_models
from bootstrap.records import Seed
from bootstrap.seeds import SeedCaptioner, gather, open_seed, unread
from bootstrap.seeds.checks import names_of, seed_warnings
from bootstrap.seeds.figures import figures, subject
from bootstrap.shots import apportion
from bootstrap.store.store import DATABASE, Store

__all__ = ["check_command"]


@dataclass
class Findings:
    """What stands in the way of a run, and what a person should only know."""

    problems: list[BootstrapError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """An expected failure of the block becomes a problem, and the check goes on."""
        try:
            yield
        except BootstrapError as error:
            self.problems.append(error)


def check_command(sources: Sequence[Path], options: Options) -> None:
    """Print what a run would do and what was found. Exits with 2, every reason named, when it could not begin."""
    found = Findings()
    described, pictures = _sorted_out(sources, found)
    character = None
    if described:
        with found.collecting():
            character = load_character(described)
    seeds = _opened(pictures, found)
    command = shlex.join(["bootstrap", "check", *map(str, sources), *options.words()])
    config = _config(character, options, command, found)
    if config:
        _models(config, found)
    if character and config:
        _describe(character, config)
        _seeds(character, config, dict(zip(names_of(pictures), pictures, strict=True)), seeds, found)
        _words(character, config, seeds, found)
        _room(character, config, options, len(pictures), found)
    for note in found.notes:
        typer.echo(f"note: {note}")
    _end(found, shlex.join(["bootstrap", "run", *map(str, sources), *options.words()]))


def _sorted_out(sources: Sequence[Path], found: Findings) -> tuple[Path | None, list[Path]]:
    """The character file, if there is just one, and the pictures that exist."""
    described = [path for path in sources if path.suffix.lower() == ".json"]
    rest = [path for path in sources if path not in described]
    if not described and len(rest) == 1 and (rest[0] / "character.json").is_file():
        described = [rest[0] / "character.json"]
    pictures: list[Path] = []
    with found.collecting():
        if len(described) != 1:
            named = f"{len(described)} character files"
            raise UsageError(f'"{" ".join(map(str, sources))}" names {named}', "give pictures and one character.json")
    for source in rest:
        with found.collecting():
            pictures += gather([source])
    if pictures or not rest:
        with found.collecting():
            gather(pictures)
    return (described[0] if len(described) == 1 else None), pictures


def _opened(pictures: Sequence[Path], found: Findings) -> dict[str, Image.Image]:
    opened = {}
    for name, path in zip(names_of(pictures), pictures, strict=True):
        with found.collecting():
            opened[name] = open_seed(path)[0]
    return opened


def _config(character: Character | None, options: Options, command: str, found: Findings) -> RunConfig | None:
    """The configuration; without a character that can be read, the one that the command line alone gives."""
    if character is None and not (options.base or options.config):
        return None
    any_one = character or Character(name="nobody", trigger="nobody", invariant={"hair": ("hair",)})
    with found.collecting():
        return resolve(any_one, options, _begun_with(any_one, options), "nobody named one", command)
    with contextlib.suppress(BootstrapError):  # seeds and words are looked at all the same
        return load(options.base or any_one.base or "")
    return None


def _begun_with(character: Character, options: Options) -> str | None:
    """The base of a run that is there already."""
    directory = _directory(character, options)
    if not (directory / DATABASE).is_file():
        return None
    with contextlib.suppress(BootstrapError), Store.open(directory, exclusive=False) as store:
        return str(json.loads(store.recall("config") or "{}").get("base", {}).get("name") or "") or None
    return None


def _directory(character: Character, options: Options) -> Path:
    return options.out or Path("runs") / character.trigger


def _models(config: RunConfig, found: Findings) -> None:
    """Whether base and panel are on the disk."""
    from bootstrap.backends.bases import check_base

    if config.backend == "fake":
        return
    with found.collecting():
        check_base(embedded(config.base.path))
    for recipe in config.base.recipes.values():
        with found.collecting():
            recipe.check_packages()
    found.problems += [BackendError(what, how) for what, how in missing_models(config.panel)]
    found.notes += blind_spots(config.panel)


def _describe(character: Character, config: RunConfig) -> None:
    shares = apportion(config.loop.target, {name: plan.share for name, plan in config.views.families.items()})
    typer.echo(f"character  {character.name}, trigger {character.trigger}, base {config.base.name}")
    wanted = ", ".join(f"{name} {count}" for name, count in shares.items())
    typer.echo(f"set        {config.loop.target} pictures: {wanted}")
    if character.seeds_train != "always":
        typer.echo(f"seeds      trained on: {character.seeds_train}")


def _seeds(
    character: Character,
    config: RunConfig,
    paths: Mapping[str, Path],
    seeds: Mapping[str, Image.Image],
    found: Findings,
) -> None:
    """Each seed with its caption, for correction; what nobody wrote is read when the run begins."""
    captioner = SeedCaptioner(Wording.of(character, config), lambda image, phrases: "")
    for name, image in seeds.items():
        parts = [] if captioner.told_whole(paths[name]) else figures(image)
        if parts:
            typer.echo(f"seed       {name}: a sheet, each of its {len(parts)} figures is taken as a view")
        elif subject(image):
            typer.echo(f"seed       {name}: mostly ground, it is cropped to what is drawn")
        for number in range(1, len(parts) + 1) if parts else (0,):
            with found.collecting():
                _caption(captioner, captioner.caption(paths[name], "", "", image, number), image)


def _caption(captioner: SeedCaptioner, seed: Seed, image: Image.Image) -> None:
    """One seed's line, and a line for what is still to be read."""
    said = ", ".join(captioner.shown(seed).values()) or "nothing written"
    origin = f" (from {seed.caption_from})" if seed.caption_from != "read" else ""
    typer.echo(f"seed       {Path(seed.source).name}, {image.width}x{image.height}: {said}{origin}")
    if missing := unread(seed):
        typer.echo(f"           not written, read by the panel when the run begins: {', '.join(missing)}")


def _words(character: Character, config: RunConfig, seeds: Mapping[str, Image.Image], found: Findings) -> None:
    """Words that nobody can check, triggers that mean something, troubles of the seeds."""
    vocabulary, sampling = config.panel.vocabulary, config.base.sampling
    found.notes += [*character.notes, *trigger_warnings(character, chain.from_iterable(vocabulary.values()))]
    found.notes += seed_warnings(seeds, max(sampling.width, sampling.height), config.panel.duplicate_bits, character)
    for name, tags in unknown_words(character, vocabulary).items():
        found.notes.append(f"no scorer can check {name}: {', '.join(tags)}")


def _room(character: Character, config: RunConfig, options: Options, seeds: int, found: Findings) -> None:
    """Time, disk and memory, and whether the folder of the run can be written."""
    from bootstrap.backends.bases import unet_weights
    from bootstrap.machine.inventory import accelerator, disk_free

    directory = _directory(character, options)
    fake = config.backend == "fake"
    device = accelerator()
    unet = 0 if fake else unet_weights(embedded(config.base.path))
    cost = cost_of(config, seeds, unet, flops_of(device.kind) if unet else 0.0)
    free, needed = disk_free(directory), 0.0 if fake else config.base.memory
    _say_cost(cost, config, f"{cost.disk:.1f} of {free:.0f} GB free", f"{needed:.0f} of {device.memory:.0f} GB")
    typer.echo(f"device     {device.kind} ({device.name})")
    with found.collecting():
        _say_hours(limits_of(options.budget, options.until), config, seeds, unet, device.kind)
    with found.collecting():
        _writable(directory)
    if free < cost.disk:
        full = f'the disk of "{directory}" has {free:.1f} GB free, a run takes about {cost.disk:.1f}'
        found.problems.append(OutputError(full, "free some room, or choose another disk with --out"))
    with found.collecting():
        check_memory(config, device)


def _say_cost(cost: Cost, config: RunConfig, disk: str, memory: str) -> None:
    rounds = rounds_expected(config.loop)
    took = f", about {duration(cost.seconds)} at the machine's present load" if cost.seconds else ""
    typer.echo(f"work       about {cost.pictures} pictures and {cost.steps} training steps in {rounds} rounds{took}")
    if config.loop.rounds > rounds:
        typer.echo(f"           longer where places stay empty: up to {config.loop.rounds} rounds are allowed")
    typer.echo(f"room       disk {disk}, memory {memory}")
    if config.profile:
        _say_night(cost, config)


def _say_night(cost: Cost, config: RunConfig) -> None:
    """What the profile's card takes for it, by published speeds."""
    profile = profiles()[config.profile]
    night = night_of(cost.pictures, decoys_of(config), cost.steps, config.finishing_recipe.batch_size, profile)
    speeds = f"{profile.seconds_a_picture:g} s a picture and {profile.seconds_a_sample:g} s a training picture"
    typer.echo(f"night      profile {config.profile}: {night.seconds / 3600:.1f} of 8 hours at {speeds}")
    typer.echo(f"           {night.decoys} of the pictures are decoys, {100 * night.decoy_share:.0f} % of the night")
    if night.seconds > NIGHT:
        typer.echo("           more than a night: a smaller --target, fewer --rounds, or --budget 8h")


def _say_hours(limits: Limits, config: RunConfig, seeds: int, unet: int, device: str) -> None:
    """What fits into the hours that were given; a run measures its own speed and decides by that."""
    given = seconds_of(limits, datetime.now().astimezone())
    if given is None:
        return
    typer.echo(f"hours      {duration(given)}" + (f", over at {limits.until}" if limits.until else ""))
    if unet:
        fit, wanted = rounds_that_fit(config, seeds, unet, flops_of(device), given), rounds_expected(config.loop)
        said = f"about {fit} of {wanted} rounds fit" if fit else "too short for a whole round: it will be cut"
        typer.echo(f"           {said}; what comes out is a dataset and a LoRA in any case")


def _writable(directory: Path) -> None:
    """Raise OutputError where a run could not be begun or continued."""
    if (directory / DATABASE).is_file():
        with Store.open(directory, exclusive=False) as store:
            typer.echo(f'run        "{directory}" goes on: {len(store.rounds())} rounds, {len(store.kept())} kept')
        return
    there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    if not there.is_dir():
        raise OutputError(f'"{there}" is a file where a folder is needed', "choose another folder with --out")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f'"{there}" cannot be written', "choose another folder with --out")


def _end(found: Findings, command: str) -> None:
    for problem in found.problems:
        typer.echo(f"error: {problem.message}", err=True)
        if problem.hint:
            typer.echo(f"hint: {problem.hint}", err=True)
    if found.problems:
        raise typer.Exit(UsageError.exit_code)
    typer.echo(f"ready      {command}")
