"""``bootstrap tags``: the captions of a whole folder read, by a tagger too, and changed at once."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from bootstrap.captions.wording import Wording
from bootstrap.character import load_character
from bootstrap.config import load, load_panel
from bootstrap.dataset.caption_audit import read_set
from bootstrap.dataset.caption_tags import EVERYWHERE
from bootstrap.dataset.one_background import crossover_for, one_background
from bootstrap.dataset.retagging import Caption, Retagging
from bootstrap.errors import ConfigError, UsageError
from bootstrap.listeners.waiting import waiting
from bootstrap.panel.availability import TAGGER, known_characters, missing_parts_of
from bootstrap.pictures import PictureFile, open_picture, sharing
from bootstrap.pictures.caption_text import caption_parts, folded
from bootstrap.store.files import write_atomic
from bootstrap.store.near_files import or_near

__all__ = ["TagsOptions", "tags_command"]

SMALLEST = 16
"""Pixels of the shorter side below which a picture is not looked at."""
SHOWN = 40
"""Tags that the summary names."""


@dataclass(frozen=True, slots=True)
class TagsOptions:
    """What is done to a set; ``panel`` is one whose tagger reads the pictures, from ``threshold`` on."""

    character: Path | None = None
    keep_identity: bool = False
    add: Sequence[str] = ()
    replace: Sequence[str] = ()
    drop: Sequence[str] = ()
    rare: int = 0
    panel: str | None = None
    threshold: float = 0.35
    write: bool = False


def tags_command(folder: Path, options: TagsOptions) -> None:
    """Print what changes, and write it with ``--write``; the captions before are kept in a file beside them.

    Raises UsageError or ConfigError.
    """
    if not folder.is_dir():
        raise UsageError(
            f'no such folder "{folder}"', or_near(folder, "give a folder with pictures and their captions")
        )
    pictures = read_set(folder)
    if not pictures:
        raise UsageError(f'"{folder}" holds no picture', "give the folder of a dataset, or one above it")
    for source, paths in sharing(pictures):
        raise UsageError(
            f'"{source.name}" captions {len(paths)} pictures', f"give {paths[0].name} a caption of its own"
        )
    retagging = _retagging(options)
    before = [one.tags for one in pictures]
    read = _with_tagger(pictures, before, options) if options.panel else before
    after = retagging.of(read)
    _show(folder, before, after)
    if options.write:
        _write(folder, pictures, after)
    elif after != before:
        typer.echo("nothing is written yet: add --write")


def _retagging(options: TagsOptions) -> Retagging:
    """The changes that were asked for."""
    head, unique = [tag for text in options.add for tag in caption_parts(text)], Retagging().unique
    identity, names, crossover = tuple[str, ...](), frozenset[str](), dict[str, Caption]()
    if options.character:
        character = load_character(options.character)
        head = [character.trigger, *character.core, *character.style_switch, *head]
        config = load("puppet", views=character.views, subject=character.kind)
        unique = Wording.of(character, config).unique_beside
        identity = () if options.keep_identity else character.identity
        crossover = {folded(background): character.crossover for background in character.backgrounds}
    if options.panel:
        names = known_characters(load_panel(options.panel))
    replace = {}
    for text in options.replace:
        old, equals, new = text.partition("=")
        if not equals or not old.strip():
            raise UsageError(
                f'--replace "{text}" is not of the form OLD=NEW', 'for example --replace "grey hair=silver hair"'
            )
        replace[old.strip()] = new.strip()
    drop = frozenset(folded(tag) for text in options.drop for tag in caption_parts(text))
    return Retagging(tuple(head), replace, drop, identity, names, options.rare, crossover, unique)


def _with_tagger(pictures: Sequence[PictureFile], captions: Sequence[Caption], options: TagsOptions) -> list[Caption]:
    """The captions, with what the panel's tagger sees in each picture behind them."""
    from bootstrap.panel.models import tagger_of

    panel = load_panel(options.panel or "")
    for part in missing_parts_of(panel, comparing=False):
        if part.path == TAGGER:
            hint = f"{part.fetch}, or leave --panel out"
            raise ConfigError(f'the panel "{options.panel}" cannot tag: {part.said}', hint)
    tagger = tagger_of(panel)
    if tagger is None:
        raise ConfigError(f'the panel "{options.panel}" has no tagger', "choose one that has, such as drawn")
    found = []
    with waiting(f"tagging {len(pictures)} pictures"):
        for picture, caption in zip(pictures, captions, strict=True):
            image, _ = open_picture(picture.path, SMALLEST)
            found.append((*caption, *tagger.tags(image, options.threshold)))
    return found


def _show(folder: Path, before: Sequence[Caption], after: Sequence[Caption]) -> None:
    """How often each tag is in the captions, before and after; then which go."""
    was, now = _counts(before), _counts(after)
    typer.echo(f"{folder}: {len(after)} pictures, {len(was)} tags before, {len(now)} after")
    for tag in sorted(now, key=lambda tag: (-now[tag], tag))[:SHOWN]:
        typer.echo(f"{now[tag]}\t{tag}" + ("" if was[tag] == now[tag] else f"\t(before: {was[tag]})"))
    if len(now) > SHOWN:
        typer.echo(f"… and {len(now) - SHOWN} more")
    shares = {tag: count / len(after) for tag, count in now.items()}
    if background := one_background(shares, EVERYWHERE):
        crossover = crossover_for(after[0][0] if after[0] else "NAME", background)
        typer.echo(f'"{background}" is nearly everywhere: vary it, or --add "{crossover}", a tag of its own')
    if gone := [tag for tag in was if tag not in now]:
        typer.echo(f"gone: {', '.join(gone)}")


def _counts(captions: Sequence[Caption]) -> Counter[str]:
    return Counter(tag for caption in captions for tag in {folded(tag) for tag in caption})


def _write(folder: Path, pictures: Sequence[PictureFile], captions: Sequence[Caption]) -> None:
    """Write each caption beside its picture; those before are kept in a JSON file of the folder."""
    before = {one.path.relative_to(folder).as_posix(): one.caption for one in pictures}
    kept = next(path for n in itertools.count(1) if not (path := folder / f"captions-before-{n}.json").exists())
    write_atomic(kept, (json.dumps(before, ensure_ascii=False, indent=1) + "\n").encode())
    for one, caption in zip(pictures, captions, strict=True):
        path = one.source if one.source and one.source.suffix == ".txt" else one.path.with_suffix(".txt")
        write_atomic(path, f"{', '.join(caption)}\n".encode())
    typer.echo(f"written; the captions before are in {kept.name}")
