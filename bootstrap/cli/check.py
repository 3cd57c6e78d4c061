"""``bootstrap check``: everything that can be known before a run, every problem at once.

No model is loaded, but for many pictures and sheets: only the panel can tell what of them is taken.
"""

from __future__ import annotations

import contextlib
import itertools
import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import typer
from PIL import Image

from bootstrap.backends.fitting_settings import check_quantising
from bootstrap.character import Character, load_character
from bootstrap.cli.check_cost import print_cost
from bootstrap.cli.check_many import print_many
from bootstrap.cli.check_tokens import print_tokens
from bootstrap.cli.check_words import check_words, print_blanks, print_seeds
from bootstrap.cli.findings import Findings
from bootstrap.cli.options import Options
from bootstrap.cli.resolve import base_begun_with, resolve, run_folder
from bootstrap.cli.sources import only_description, split_sources
from bootstrap.cli.which_base import base_lines, base_notes
from bootstrap.config import RunConfig
from bootstrap.dataset.detail_close_ups import details_line
from bootstrap.dataset.exposure import with_folders
from bootstrap.errors import BackendError, BootstrapError, UsageError
from bootstrap.listeners.notify import Notifier
from bootstrap.machine.plain_output import one_line
from bootstrap.panel.availability import (
    blind_spots,
    missing_models,
    offers,
    setup_command_for,
    unjudged,
    unread_sides,
)
from bootstrap.pictures import open_picture
from bootstrap.readers.open_reader import check_reader
from bootstrap.retouch.upscale_models import open_upscaler
from bootstrap.runs.consents import consents_of_run, unanswered
from bootstrap.runs.control_pictures import check_control_pictures, words_alone
from bootstrap.runs.fakes import fake_note
from bootstrap.runs.outside_drawers import check_drawers
from bootstrap.runs.run_models import check_base_files
from bootstrap.seeds import MOST_SEEDS, gather
from bootstrap.seeds.checks import caption_warnings, names_of, passed_over
from bootstrap.shots import apportion

__all__ = ["check_command", "check_models"]

DRAWERS = ("workflow", "server", "spend")
"""Options that only go with a drawer."""


def check_command(sources: Sequence[Path], options: Options) -> None:
    """Print what a run would do and what was found. Exits with 2, every reason named, when it could not begin."""
    found = Findings()
    description, pictures = _sorted_out(sources, found)
    character = None
    if description:
        with found.collecting():
            character = load_character(description)
    many = len(pictures) > MOST_SEEDS
    images = {} if many else _opened(pictures, found)
    words = [*map(str, sources), *options.words()]
    config = _config(character, options, shlex.join(["bootstrap", "check", *words]), found)
    with found.collecting():
        Notifier(options.notify)
    if config:
        check_models(config, found)
        _check_drawer(config, options, character, found)
        for line in base_lines(config.base.name, options.preset or ""):
            typer.echo(line)
        found.notes += [*filter(None, [fake_note(config)]), *base_notes(config.base)]
    blanks = 0
    if character and config:
        _print_plan(character, config, found)
        blanks = print_blanks(character, config)
        taken = len(pictures)
        if many:
            taken = print_many(character, config, pictures, found)
        else:
            paths = dict(zip(names_of(pictures), pictures, strict=True))
            if print_seeds(character, config, paths, images, found) and not found.problems:
                taken = print_many(character, config, list(paths.values()), found)
        found.notes += [*caption_warnings(pictures), *passed_over(pictures)]
        check_words(character, config, images, found)
        found.notes += words_alone(config, character)
        worth = min(taken, MOST_SEEDS) + max(0, taken - MOST_SEEDS) // config.base.cuts.most  # those only train whole
        with found.collecting():
            print_cost(with_folders(config, character), options, run_folder(character, options), worth, found)
    found.print()
    if found.problems:
        raise typer.Exit(UsageError.exit_code)
    _print_next(shlex.join(["bootstrap", "run", *words]), blanks)


def _print_next(command: str, blanks: int) -> None:
    """The command of the run; a description with blank traits can run and is not called ready."""
    if blanks:
        typer.echo(f"unfinished {blanks} blank {'trait' if blanks == 1 else 'traits'}; as it is it can run: {command}")
    else:
        typer.echo(f"ready      {command}")


def _sorted_out(sources: Sequence[Path], found: Findings) -> tuple[Path | None, list[Path]]:
    """The character file, if there is just one, and the pictures that exist."""
    descriptions, rest = split_sources(sources)
    description = None
    with found.collecting():
        description = only_description(sources, descriptions)
    pictures: list[Path] = []
    for source in rest:
        with found.collecting():
            pictures += gather([source])
    if pictures or not rest:
        with found.collecting():
            gather(pictures)
    return description, pictures


def _opened(pictures: Sequence[Path], found: Findings) -> dict[str, Image.Image]:
    """The pictures that can be opened, by name."""
    opened = {}
    for name, path in zip(names_of(pictures), pictures, strict=True):
        with found.collecting():
            opened[name] = open_picture(path)[0]
    return opened


def _config(character: Character | None, options: Options, command: str, found: Findings) -> RunConfig | None:
    """The configuration; without a readable character, the one that the command line alone gives."""
    if character is None and not (options.base or options.config):
        return None
    character = character or Character(name="nobody", trigger="nobody", invariant={"hair": ("hair",)})
    with found.collecting():
        begun_with = base_begun_with(run_folder(character, options))
        return resolve(character, options, begun_with, "nobody named one", command)
    _collect_hidden(character, options, found)
    return _without_wrong_options(character, options)


def _collect_hidden(character: Character, options: Options, found: Findings) -> None:
    """What is wrong with an option alone, where the error of another one hides it."""
    base, given = options.base or character.base, _given(options)
    if not base or len(given) < 2:
        return
    for one in given:
        alone = Findings()
        with alone.collecting():
            resolve(character, _without(options, [other for other in given if other != one]), base)
        for problem in alone.problems:
            said = problem.message.partition(": ")[2] or problem.message
            if not any(said in known.message for known in found.problems):
                found.problems.append(problem)


def _without_wrong_options(character: Character, options: Options) -> RunConfig | None:
    """The configuration without the fewest options that make it one, so that all else is checked as it was asked for;
    None where no base is known."""
    base = options.base or character.base
    if not base:
        return None
    nobody = Character(name="nobody", trigger="nobody", invariant={"hair": ("hair",)})
    given = _given(options)
    attempts = [(nobody, options)]  # where this works, the character does not fit the options
    for several in (*((one,) for one in given), *itertools.combinations(given, 2), given):
        attempts.append((character, _without(options, several)))
    for who, tried in attempts:
        with contextlib.suppress(BootstrapError):
            return resolve(who, tried, base)  # as if begun with this base: nobody is asked again
    return None


def _given(options: Options) -> list[tuple[str, str]]:
    """The options that were given, each as a field and what it sets; base and backend stay whatever else is wrong."""
    unset, given = (
        Options(base=options.base, backend=options.backend),
        [("settings", text) for text in options.settings],
    )
    for one in fields(Options):
        if one.name != "settings" and getattr(options, one.name) != getattr(unset, one.name):
            given.append((one.name, ""))
    return given


def _without(options: Options, several: Sequence[tuple[str, str]]) -> Options:
    """The options without some of those given; without a drawer its own options go too."""
    unset, changes = Options(), dict[str, Any]()
    for name, _ in several:
        for also in (name, *(DRAWERS if name == "drawer" else ())):
            changes[also] = getattr(unset, also)
    changes["settings"] = [text for text in options.settings if ("settings", text) not in several]
    return replace(options, **changes)


def check_models(config: RunConfig, found: Findings) -> None:
    """Whether what upscales and what reads, the base, the optimizers and the panel's models are on this machine."""
    if config.upscale:
        with found.collecting():
            open_upscaler(config.upscale, "cpu")
    for reader in config.readers:
        with found.collecting():
            check_reader(reader)
    if config.backend == "fake":
        return
    with found.collecting():
        check_base_files(config.base)
    with found.collecting():
        check_quantising(config.base.sampling.quantise, config.base.networks)
    with found.collecting():
        check_control_pictures(config)
    for recipe in config.base.recipes.values():
        with found.collecting():
            recipe.check_packages()
    missing = missing_models(config.panel)
    found.problems += [BackendError(message, hint) for message, hint in missing]
    if missing:
        found.notes.append(
            f"{setup_command_for(config.base.name)} fetches all that the panel lacks, after one question"
        )
    if config.panel.on_missing == "smaller" and (blind := unjudged(config.panel)):
        found.notes.append(blind)
    found.notes += blind_spots(config.panel, config.views.families)
    found.notes += unread_sides(config.panel, config.views)
    found.notes += offers(config.panel)


def _check_drawer(config: RunConfig, options: Options, character: Character | None, found: Findings) -> None:
    """Whether the drawers can be opened, and what they need was agreed to."""
    with found.collecting():
        check_drawers(config)
    if character is not None:
        needed = consents_of_run(config)
        found.problems += unanswered(needed, options.words(), run_folder(character, options))


def _print_plan(character: Character, config: RunConfig, found: Findings) -> None:
    """The character, how many pictures of each view family its set will have, and how long its prompts are."""
    shares = {name: plan.share for name, plan in config.views.families.items()}
    counts = apportion(config.loop.target, shares)
    families = ", ".join(f"{name} {count}" for name, count in counts.items())
    called, trigger = config.subject.called, f"trigger {character.trigger}" if character.trigger else "no trigger"
    typer.echo(f"{called:<10} {character.name}, {trigger}, base {config.base.name}")
    typer.echo(f"set        {config.loop.target} pictures: {families}")
    if details := details_line(character, config):
        typer.echo(f"details    {one_line(details)}")
    if control := config.base.control:
        pictures = f'"{control.pictures}"' if control.pictures else "drawn skeletons"
        views = ", ".join(control.view_families)
        typer.echo(
            f"control    {control.kind} by {pictures}, for views from: {views}; licence {control.license or '?'}"
        )
    if character.seeds_train != "always":
        typer.echo(f"seeds      trained on: {character.seeds_train}")
    print_tokens(character, config, found)
