"""``bootstrap init``: a first character.json out of the seeds, with what could be read in it and the rest explained."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bootstrap.captions.wording import Wording
from bootstrap.character import Character, load_character
from bootstrap.character.description import made_up_trigger
from bootstrap.cli.choosing import choose_base
from bootstrap.config import RunConfig, load
from bootstrap.errors import OutputError
from bootstrap.machine.inventory import cache_folder
from bootstrap.panel.draft import Draft, Reader, draft_text, read_traits, reader_of
from bootstrap.pictures import open_picture, read_picture
from bootstrap.records import Seed
from bootstrap.seeds import Read, SeedCaptioner, View, gather, unread, views_in
from bootstrap.seeds.checks import crowds
from bootstrap.store.files import write_atomic

if TYPE_CHECKING:
    from scoring.face import FacePack

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
    seen = [(path, view) for path in pictures for view in _views(path)]
    command = shlex.join(["bootstrap", "init", *map(str, sources), "--out", str(out)])
    config = load(base or choose_base(command, "its panel reads the pictures"))
    told = load_character(description) if description else None
    called = name or (told.name if told else _called(pictures[0]))
    trigger = told.trigger if told and not name else made_up_trigger(called)
    draft = Draft(called, trigger, config.base.name, given=_given(told))
    traits, read, faces = _readers(config)
    images = [view.image for _, view in seen]
    draft = replace(draft, traits=[] if told else read_traits(config.panel, images, traits))
    draft = replace(draft, seeds=[_seed(draft, told, config, read, path, view) for path, view in seen])
    write_atomic(out, draft_text(draft, config).encode())
    shown = {Path(seed.source).name: view.image for seed, (_, view) in zip(draft.seeds, seen, strict=True)}
    strangers = crowds(shown, faces, config.panel.face.min_det_score) if faces else []
    for note in [*(told.notes if told else ()), *strangers]:
        typer.echo(f"note: {note}")
    _say(draft, sources, out)


def _views(path: Path) -> list[View]:
    """The views in a picture: more than one in a sheet."""
    image, data = open_picture(path)
    return views_in(image, data, path.stem, path.suffix, whole=read_picture(path).origin == "sidecar")


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


def _readers(config: RunConfig) -> tuple[Reader, Read, FacePack | None]:
    """The panel's reading of traits over all seeds, of what one seed shows, and its faces."""
    from bootstrap.machine.device import pick_device
    from bootstrap.panel.judges import open_eyes

    eyes = open_eyes(config.panel, cache_folder() / "features", pick_device(), comparing=False)
    return reader_of(eyes, config.panel), eyes.read, eyes.faces


def _seed(draft: Draft, told: Character | None, config: RunConfig, read: Read, path: Path, view: View) -> Seed:
    """What a seed shows besides the character that was read or described."""
    known_traits = told.invariant if told else {r.axis: (r.word,) for r in draft.traits if r.word}
    invariant = known_traits or {"hair": ()}
    outfits = dict(told.outfits) if told else {}
    character = Character(name=draft.name, trigger=draft.trigger, invariant=invariant, outfits=outfits)
    wording = Wording.of(character, config)
    return SeedCaptioner(wording, read).caption(path, "", "", view.image, view.number)


def _say(draft: Draft, sources: Sequence[Path], out: Path) -> None:
    for reading in draft.traits:
        found = f"{reading.word} (leads by {reading.lead:.1f})" if reading.word else "not read"
        typer.echo(f"{reading.axis:<12} {found}{'' if reading.read else ': this panel does not read it well'}")
    for seed in draft.seeds:
        tags = [seed.view, seed.framing, *(tag.partition("=")[2] for tag in seed.tags)]
        typer.echo(f"{Path(seed.source).name}: {', '.join(tag for tag in tags if tag) or 'nothing read'}")
        if missing := unread(seed):
            typer.echo(f"{Path(seed.source).name}: could not read {', '.join(missing)}")
    typer.echo(f"wrote {out}: correct it, then run")
    typer.echo(shlex.join(["bootstrap", "check", *map(str, sources), str(out)]))
