"""``bootstrap check``, its cost: pictures, steps, time, disk and memory, and whether the folder can be written."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path

import typer

from bootstrap.backends.outside.drawer_settings import DrawerSettings
from bootstrap.cli.findings import Findings
from bootstrap.cli.options import Options
from bootstrap.config import RunConfig, embedded
from bootstrap.config.card_memory import CONTEXT
from bootstrap.config.estimate import (
    Cost,
    cost_of,
    decoys_of,
    pictures_outside,
    rounds_expected,
    rounds_that_fit,
    slower_drawing,
)
from bootstrap.config.memory import check_memory, memory_of_stages
from bootstrap.config.profiles import NIGHT, night_of, profile_for_base
from bootstrap.errors import BackendError, OutputError
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.limits import Limits, in_words, limits_of, seconds_of
from bootstrap.machine.speed import flops_of
from bootstrap.store.run_folder import holds_database
from bootstrap.store.store import Store

__all__ = ["print_cost"]


def print_cost(config: RunConfig, options: Options, directory: Path, seeds: int, found: Findings) -> None:
    """Print what a run from so many seeds takes; what this machine does not have is a problem."""
    from bootstrap.backends.bases import check_base, denoiser_weights
    from bootstrap.machine.inventory import accelerator, disk_free

    parameters, memory, speed = 0, 0.0, 0.0
    stages: dict[str, float] = {}
    with waiting("measuring this machine"):
        device, free = accelerator(), disk_free(directory)
        if config.backend != "fake":
            stages = memory_of_stages(config, device)
            memory = max(stages.values()) + CONTEXT if stages else config.base.memory
            with contextlib.suppress(BackendError):  # a base that cannot be used is a problem already
                parameters = denoiser_weights(embedded(config.base.path))
        if parameters:
            speed = flops_of(device.kind) / check_base(embedded(config.base.path)).limits.operations
    cost = cost_of(config, seeds, parameters, speed)
    _print_work(cost, config)
    disk = f"{cost.disk:.1f} of the {free:.0f} GB that are free"
    typer.echo(f"room       disk {disk}, memory {memory:.0f} of {device.memory:.0f} GB")
    if stages:
        typer.echo(f"memory     {', '.join(f'{stage} {taken:.1f}' for stage, taken in stages.items())} GB")
    if (bits := config.base.sampling.quantise) != "none":
        typer.echo(f"weights    of the base's linear layers in {bits} (base.sampling.quantise)")
    if config.profile:
        _print_night(cost, config)
    typer.echo(f"device     {device.kind} ({device.name})")
    with found.collecting():
        _print_hours(limits_of(options.budget, options.until), config, seeds, parameters, speed)
    with found.collecting():
        _check_folder(directory)
    if free < cost.disk:
        message = f'the disk of "{directory}" has {free:.1f} GB free, a run takes about {cost.disk:.1f}'
        found.problems.append(OutputError(message, "free some space, or choose another disk with --out"))
    with found.collecting():
        check_memory(config, device)


def _print_work(cost: Cost, config: RunConfig) -> None:
    """Pictures and steps, and the time they take at the machine's present speed."""
    rounds = rounds_expected(config.schedule)
    name = "round" if rounds == 1 else "rounds"
    work = f"about {cost.pictures} pictures and {cost.steps} training steps in {rounds} {name}"
    if cost.seconds:
        work += f", about {in_words(cost.seconds)} at the machine's present load"
    typer.echo(f"work       {work}")
    both = config.alone
    if len(both) > 1:
        names = " and ".join(one.drawn_by for one in both)
        typer.echo(
            f"drawers    {names}: half of the candidates each at first, then by yield, 20 to 80 %; own decoys each"
        )
    for one in both:
        if one.drawer is not None:
            _print_drawer(one.drawer, pictures_outside(one, len(both)))
    if config.loop.rounds > rounds:
        typer.echo(f"           longer where places stay empty: up to {config.loop.rounds} rounds are allowed")


def _print_drawer(drawer: DrawerSettings, pictures: int) -> None:
    """What draws in place of the base: how many pictures, the hours and the money they take, its licence."""
    work = f"about {pictures} pictures" if pictures else "takes the pictures that you put there"
    if pictures and drawer.seconds:
        work += f", about {in_words(pictures * drawer.seconds)} at {drawer.seconds:g} s each (its page says where)"
    typer.echo(f"drawer     {drawer.title}: {work}")
    if money := drawer.money(pictures):
        typer.echo(f"money      {money}")
    if drawer.away:
        typer.echo(f"upload     your pictures and words go to {drawer.away}")
    licence = drawer.license or "not known"
    link = f" ({drawer.license_link})" if drawer.license_link else ""
    typer.echo(f"licence    of the drawer: {licence}{link}")
    typer.echo(f"           training with its pictures: {drawer.outputs or 'not known, read it'}")


def _print_night(cost: Cost, config: RunConfig) -> None:
    """The time it takes on the profile's graphics card, by published speeds."""
    profile = profile_for_base(config.base.profiles, config.profile)
    slower, batch = slower_drawing(config), config.finishing_recipe.batch_size
    night = night_of(cost.pictures, decoys_of(config), cost.steps, batch, profile, slower)
    drawing = profile.seconds_a_picture * slower
    speeds = f"{drawing:.3g} s a picture and {profile.seconds_a_sample:g} s a training picture"
    typer.echo(f"night      profile {config.profile}: {night.seconds / 3600:.1f} of 8 hours at {speeds}")
    typer.echo(f"           {night.decoys} of the pictures are decoys, {100 * night.decoy_share:.0f} % of the night")
    if night.seconds > NIGHT:
        typer.echo("           more than a night: a smaller --target, fewer --rounds, or --budget 8h")


def _print_hours(limits: Limits, config: RunConfig, seeds: int, parameters: int, speed: float) -> None:
    """What fits into the given hours; a run measures its own speed and decides by that."""
    given = seconds_of(limits, datetime.now().astimezone())
    if given is None:
        return
    hours = in_words(given)
    if limits.until:
        hours += f", over at {limits.until}"
    typer.echo(f"hours      {hours}")
    if not parameters:
        return
    fitting = rounds_that_fit(config, seeds, parameters, speed, given)
    estimate = "too short for a whole round: it will be cut"
    if fitting:
        estimate = f"about {fitting} of {rounds_expected(config.schedule)} rounds fit"
    typer.echo(f"           {estimate}; the run ends with a dataset and a LoRA in any case")


def _check_folder(directory: Path) -> None:
    """Print whether a run is continued there. Raises OutputError where none could be begun or continued."""
    if holds_database(directory):
        with Store.open(directory, exclusive=False) as store:
            typer.echo(f'run        "{directory}" goes on: {len(store.rounds())} rounds, {len(store.kept())} kept')
        return
    existing = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise OutputError(f'"{existing}" is a file where a folder is needed', "choose another folder with --out")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f'"{existing}" cannot be written', "choose another folder with --out")
