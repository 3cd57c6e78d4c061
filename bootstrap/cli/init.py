"""``bootstrap init``: a first character.json out of the seeds, with what could be read in it and the rest explained."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import typer
from PIL import Image

from bootstrap.captions import Wording
from bootstrap.character import Character, load_character
from bootstrap.config import RunConfig, known, load
from bootstrap.description import made_up_trigger
from bootstrap.draft import Draft, Reader, draft_text, read_traits, reader_of
from bootstrap.errors import ConfigError, OutputError
from bootstrap.records import Seed
from bootstrap.seeds import Read, SeedCaptioner, gather, open_seed, unread
from bootstrap.store.files import write_atomic

__all__ = ["init_command"]

PLAIN = ("seed", "front", "image", "picture", "character", "img", "portrait", "reference", "sheet")
"""File names that name nobody."""


def init_command(
    sources: Sequence[Path], *, base: str | None, out: Path, name: str | None, description: Path | None
) -> None:
    """Write ``out``, which must not exist, and say what was read and what was not."""
    if out.exists():
        raise OutputError(f'"{out}" exists already', "choose another file with --out")
    pictures = gather(sources)
    images = [open_seed(path)[0] for path in pictures]
    config = load(base or _asked(pictures, out))
    told = load_character(description) if description else None
    called = name or (told.name if told else _called(pictures[0]))
    draft = Draft(called, made_up_trigger(called), config.base.name, given=_given(told))
    traits, read = _readers(config)
    draft = replace(draft, traits=[] if told else read_traits(config.panel, images, traits))
    seen = zip(pictures, images, strict=True)
    draft = replace(draft, seeds=[_seed(draft, told, config, read, path, image) for path, image in seen])
    write_atomic(out, draft_text(draft, config.panel, config.subject).encode())
    _say(draft, pictures, out)


def _asked(pictures: Sequence[Path], out: Path) -> str:
    """The base whose panel reads the seeds: asked for on a terminal, demanded elsewhere."""
    names = known("base")
    if sys.stdin.isatty():
        return str(typer.prompt(f"Which base ({', '.join(names)})"))
    command = " ".join(["bootstrap init", *map(str, pictures), "--base", names[0], "--out", str(out)])
    raise ConfigError("no base model: its panel reads the pictures", f"for example: {command}")


def _called(picture: Path) -> str:
    """A name for who is in a picture: the file's, or its folder's where that names nobody."""
    stem = re.sub(r"[\d_\- ]+$", "", picture.stem)
    found = picture.resolve().parent.name if stem.lower() in (*PLAIN, "") else stem
    return (found or "character").capitalize()


def _given(told: Character | None) -> dict[str, object]:
    """What a description says already, as character.json has it."""
    if told is None:
        return {}
    return {
        "core": ", ".join(told.core),
        "invariant": {part: ", ".join(tags) for part, tags in told.invariant.items()},
        "outfits": {key: {"tags": ", ".join(outfit.tags)} for key, outfit in told.wardrobe.items()},
    }


def _readers(config: RunConfig) -> tuple[Reader, Read]:
    """The panel's reading of traits over all seeds, and of what one seed shows."""
    from bootstrap.device import pick_device
    from bootstrap.judges import open_eyes

    eyes = open_eyes(config.panel, None, pick_device())
    return reader_of(eyes, config.panel), eyes.read


def _seed(
    draft: Draft, told: Character | None, config: RunConfig, read: Read, path: Path, image: Image.Image
) -> Seed:
    """What a seed shows besides the character that was read or described."""
    known_traits = told.invariant if told else {r.axis: (r.word,) for r in draft.traits if r.word}
    invariant = known_traits or {"hair": ()}
    outfits = dict(told.outfits) if told else {}
    character = Character(name=draft.name, trigger=draft.trigger, invariant=invariant, outfits=outfits)
    wording = Wording(character, config.views, config.panel.vocabulary)
    return SeedCaptioner(wording, read).caption(path, "", "", image)


def _say(draft: Draft, pictures: Sequence[Path], out: Path) -> None:
    for reading in draft.traits:
        found = f"{reading.word} (leads by {reading.lead:.1f})" if reading.word else "not read"
        typer.echo(f"{reading.axis:<12} {found}{'' if reading.read else ': this panel does not read it well'}")
    for seed in draft.seeds:
        tags = [seed.view, seed.framing, *(tag.partition("=")[2] for tag in seed.tags)]
        typer.echo(f"{Path(seed.source).name}: {', '.join(tag for tag in tags if tag) or 'nothing read'}")
        if missing := unread(seed):
            typer.echo(f"{Path(seed.source).name}: could not read {', '.join(missing)}")
    typer.echo(f"wrote {out}: correct it, then run")
    typer.echo(" ".join(["bootstrap check", *map(str, pictures), str(out)]))
