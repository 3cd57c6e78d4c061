"""``bootstrap check``, its words: how each seed is captioned, triggers that mean something, tags nobody can check."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import typer
from PIL import Image

from bootstrap.captions.vocabulary import Vocabulary, crowded_axes, unknown_words
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.character.blanks import blank_traits
from bootstrap.character.complexity import complexity_warnings, sameness_warnings
from bootstrap.character.core_tag import core_warnings
from bootstrap.character.triggers import word_warnings
from bootstrap.cli.findings import Findings
from bootstrap.config import RunConfig
from bootstrap.config.training_pixels import resolution_warnings, side_of
from bootstrap.errors import SeedError
from bootstrap.machine.plain_output import one_line
from bootstrap.panel.availability import known_characters
from bootstrap.records import Seed
from bootstrap.seeds import SeedCaptioner, named_in_words, unread
from bootstrap.seeds.alpha import subject_of
from bootstrap.seeds.checks import empty_seeds, seed_warnings
from bootstrap.seeds.cut_offs import intact_part
from bootstrap.seeds.figures import subject
from bootstrap.seeds.gathering import CROPPED
from bootstrap.seeds.views import parts_in

__all__ = ["check_words", "print_blanks", "print_seeds"]


def print_seeds(
    character: Character,
    config: RunConfig,
    paths: Mapping[str, Path],
    images: Mapping[str, Image.Image],
    found: Findings,
) -> bool:
    """Each seed with its caption, for correction; what nobody wrote is read by the panel when the run begins.

    Returns whether there is a sheet among them.
    """
    captioner, sheet = SeedCaptioner(Wording.of(character, config), lambda image, phrases: ""), False
    for name, image in images.items():
        for number in _figure_numbers(captioner, name, paths[name], image):
            sheet = sheet or number > 0
            with found.collecting():
                _print_caption(captioner, captioner.caption(paths[name], "", "", image, number), image)
    return sheet


def check_words(character: Character, config: RunConfig, images: Mapping[str, Image.Image], found: Findings) -> None:
    """Note words that nobody can check, triggers that mean something, and what is wrong with the seeds."""
    vocabulary, side = config.panel.vocabulary, side_of(config.base)
    found.notes += character.notes
    found.notes += complexity_warnings(character)
    found.notes += sameness_warnings(character, config)
    if not config.base.demonstration:
        found.notes += core_warnings(character, config.subject.core_tag)
    found.notes += resolution_warnings(config)
    names = known_characters(config.panel)
    found.notes += word_warnings(character, chain.from_iterable(vocabulary.values()), names)
    if not config.panel.fake and config.backend != "fake":
        for name, why in empty_seeds(images).items():
            found.problems.append(SeedError(f'"{name}" {why}', f"give a picture of the {config.subject.called}"))
    if images:
        found.notes += seed_warnings(images, side, config.panel.duplicate_bits, character, config.upscale)
    found.notes += crowded_axes(character, Vocabulary(vocabulary))
    for field, tags in unknown_words(character, Vocabulary(vocabulary)).items():
        found.notes.append(f"no scorer can check {field}: {', '.join(tags)}")


def print_blanks(character: Character, config: RunConfig) -> int:
    """The traits that the file leaves blank, in a line of their own; returns how many."""
    blanks = blank_traits(character, config.subject.expected)
    if blanks:
        typer.echo(one_line(f"blank      {'; '.join(f'{field} {why}' for field, why in blanks.items())}"))
        typer.echo("           what no word names, no prompt asks for and no scorer checks: write what the seeds show,")
        typer.echo(f"           and delete a part that the {config.subject.called} does not have")
    return len(blanks)


def _figure_numbers(captioner: SeedCaptioner, name: str, path: Path, image: Image.Image) -> range:
    """The numbers of a sheet's figures, 0 alone for a single picture; prints which of them it is."""
    parts, mask = [], subject_of(path, image.size)
    if not captioner.described_whole(path):
        parts = parts_in(image, mask)
    if parts:
        typer.echo(
            f"seed       {name}: a sheet of {len(parts)} figures or panels, each that shows the character is a view"
        )
        return range(1, len(parts) + 1)
    if not captioner.wording.subject.figures:
        return range(1)
    if subject(image, mask=mask):
        typer.echo(f"seed       {name}: mostly background, it is cropped to what is drawn")
    elif intact_part(image):
        typer.echo(f"seed       {name}: {CROPPED}")
    return range(1)


def _print_caption(captioner: SeedCaptioner, seed: Seed, image: Image.Image) -> None:
    """One seed's line, and a line for what is still to be read."""
    caption = ", ".join(captioner.shown(seed).values()) or "nothing written"
    if seed.caption_from != "read":
        caption += f" (from {seed.caption_from})"
    typer.echo(f"seed       {Path(seed.source).name}, {image.width}x{image.height}: {caption}")
    if named := captioner.left_named(seed):
        typer.echo(f"           {named_in_words(named)}")
    if missing := unread(seed):
        typer.echo(f"           not written, read by the panel when the run begins: {', '.join(missing)}")
