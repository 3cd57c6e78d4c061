"""``bootstrap label``: captions by a model that reads pictures, where a folder has none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from PIL import Image

from bootstrap.captions.vocabulary import Vocabulary
from bootstrap.captions.wording import Wording
from bootstrap.character import load_character
from bootstrap.cli.check_many import panel_models_of
from bootstrap.cli.described_draft import ReadBy
from bootstrap.config import IDENTITY, PanelConfig, RunConfig, load
from bootstrap.dataset.caption_audit import read_set
from bootstrap.dataset.labels import Head, Labeller, seen_by
from bootstrap.dataset.own_labels import OwnLabels
from bootstrap.errors import ConfigError, PictureError, UsageError
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.plain_output import one_line
from bootstrap.panel.availability import known_characters, smaller
from bootstrap.panel.models import PanelModels
from bootstrap.panel.seats import SEEN, caption_panel
from bootstrap.pictures import PictureFile, open_picture, sharing
from bootstrap.readers import Reader
from bootstrap.store.near_files import or_near
from scoring.measurement import Picture, digest_of

__all__ = ["LabelOptions", "label_command"]

SMALLEST = 16
"""Pixels of the shorter side below which a picture is not looked at."""


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Whose pictures they are, in which phase, and what is written."""

    base: str | None = None
    character: Path | None = None
    phase: str = ""
    again: bool = False
    write: bool = False


def label_command(folder: Path, by: ReadBy | None, options: LabelOptions) -> None:
    """Print the caption of each picture that has none, and write it with ``--write``. Raises UsageError."""
    if not folder.is_dir():
        raise UsageError(f'no such folder "{folder}"', or_near(folder, "give a folder with pictures"))
    pictures = read_set(folder)
    if not pictures:
        raise UsageError(f'"{folder}" holds no picture', "give a folder with pictures, or one above it")
    written = OwnLabels(folder)
    waits = [one for one in pictures if one.caption is None or (options.again and written.wrote(one))]
    typer.echo(f"{folder}: {len(pictures)} pictures, {len(pictures) - len(waits)} keep their captions")
    for place, paths in sharing([PictureFile(one.path, "", "sidecar", one.path.with_suffix(".txt")) for one in waits]):
        raise UsageError(f'"{place.name}" would caption {len(paths)} pictures', "give them different names")
    if not waits or by is None:
        return
    config = load(options.base or "puppet")
    with by.opened() as reader:
        with waiting(f"opening {by.settings.name}"):
            labeller = _labeller(reader, config, options)
        done = sum(_label(one, labeller, folder, written, write=options.write) for one in waits)
    typer.echo(f"{done} of {len(waits)} captioned" + ("" if options.write else ": nothing is written yet, add --write"))


def _label(one: PictureFile, labeller: Labeller, folder: Path, written: OwnLabels, *, write: bool) -> bool:
    """Caption a picture, and say so; whether it got a caption."""
    name = one.path.relative_to(folder)
    try:
        image, _ = open_picture(one.path, SMALLEST)
    except PictureError as error:
        typer.echo(one_line(f"{name}: passed over: {error}"))
        return False
    found = labeller.label(image)
    if found.caption and write:
        written.write(one.path, found.caption)
    typer.echo(one_line(f"{name}: {found.caption or f'no caption: {found.why}'}"))
    for tag, why in found.left_out.items():
        typer.echo(one_line(f'  left out "{tag}": {why}'))
    return bool(found.caption)


def _labeller(reader: Reader, config: RunConfig, options: LabelOptions) -> Labeller:
    """The labeller with what the panel of a base sees; without a base no panel looks."""
    head = _head(config, options)
    if options.base is None:
        return Labeller(reader, Vocabulary({}), head)
    panel = smaller(config.panel)
    models = panel_models_of(panel, comparing=False)
    return Labeller(
        reader,
        Vocabulary(panel.vocabulary),
        head,
        config.base.dialect,
        seen_by(models),
        lambda image, tags: _denied(image, tags, models, panel),
        known_characters(panel),
    )


def _head(config: RunConfig, options: LabelOptions) -> Head:
    """How captions of the character begin in a phase, the last one where none is named. Raises ConfigError."""
    if options.character is None:
        return Head()
    character = load_character(options.character)
    config = load(options.base or "puppet", views=character.views, subject=character.kind)
    phases = [phase.name for phase in config.subject.phases]
    phase = options.phase or config.subject.finishing.name
    if phase not in phases:
        raise ConfigError(f'--phase "{phase}" is no phase of a {character.kind}', f"choose one of: {', '.join(phases)}")
    core = (*character.core, *character.style_switch)
    withheld = character.identity if config.subject.withholds(phase, IDENTITY) else ()
    return Head(character.trigger, core, withheld, Wording.of(character, config).unique_beside)


def _denied(image: Image.Image, tags: Sequence[str], models: PanelModels, panel: PanelConfig) -> Collection[str]:
    """The tags whose axis the panel reads well, and reads as another word; each is looked at on its own."""
    axes = {word: axis for axis, words in panel.vocabulary.items() for word in words}
    asked, digest = [tag for tag in tags if tag in axes], digest_of(image)
    pictures = [Picture(image, digest, "", "", {axes[tag]: tag}) for tag in asked]
    found = set()
    for tag, answers in zip(asked, caption_panel(models, panel).measure(pictures), strict=True):
        answer = answers.get(f"{SEEN}{axes[tag]}")
        if answer is not None and answer.value is not None and answer.value < 0:
            found.add(tag)
    return found
