"""``bootstrap init --page``: a character file is written, or an existing one edited, on a page of this machine."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from bootstrap.character import load_character
from bootstrap.character.character_file import character_of
from bootstrap.character.form import form_of
from bootstrap.character.json_objects import read_object
from bootstrap.cli.described_draft import DescribedDraft, ReadBy
from bootstrap.cli.init import Begun, begin_draft, config_to_read, named_draft
from bootstrap.config import RunConfig
from bootstrap.config.kind_files import CHARACTER
from bootstrap.errors import BackendError, CharacterError, UsageError
from bootstrap.machine.browser import open_in_browser
from bootstrap.panel.availability import known_characters
from bootstrap.panel.draft import draft_text
from bootstrap.pictures import open_picture
from bootstrap.review.open_draft import DraftPicture, OpenDraft
from bootstrap.review.serve import address_of, listen, serve_app
from bootstrap.seeds import gather
from bootstrap.seeds.checks import FIGURE, empty_seeds

__all__ = ["init_page_command", "open_draft"]


def init_page_command(draft: OpenDraft, *, host: str, port: int, opening: bool) -> None:
    """Print the address of the page, open it where ``opening``, and serve it until Ctrl-C."""
    from bootstrap.review.draft_app import build_draft

    address = address_of(host, port)
    listening = listen(address)
    typer.echo(f"page    {address.url}  (Ctrl-C ends it)")
    if address.token:
        typer.echo("other machines can reach this page; whoever has the address can write the file", err=True)
    if opening:
        open_in_browser(address.url)
    serve_app(build_draft(draft, address.hosts, address.token), listening)


def open_draft(
    sources: Sequence[Path],
    *,
    base: str | None,
    out: Path,
    name: str | None,
    description: Path | None,
    edit: Path | None,
    read_by: ReadBy | None = None,
    kind: str = CHARACTER,
) -> OpenDraft:
    """A draft of the pictures, or of the file to ``edit``, with what the panel, and a reader, read in them.

    Without a panel on this machine nothing is read, and a note says so. Raises UsageError without any picture.
    """
    content: Mapping[str, Any] = {}
    if edit is not None:
        content, out = _content(edit), edit
        sources = sources or _named_beside(edit, content)
    if not sources:
        raise UsageError("no picture is given", "bootstrap init SEED... --page")
    pictures = gather(sources)
    command = shlex.join(["bootstrap", "init", *map(str, sources), "--page"])
    kinds = {"kind": kind} | {key: str(content[key]) for key in ("views", "kind") if content.get(key)}
    config, missing = config_to_read(base or content.get("base"), command, **kinds)
    try:
        asks = read_by is not None and description is None and edit is None
        describing = DescribedDraft(read_by, config) if read_by is not None and asks else None
        begun = begin_draft(pictures, config, name, description, describing, kinds["kind"])
    except BackendError as error:
        begun = _unread(pictures, config, name, str(error))
    if edit is None:
        content = json.loads(draft_text(begun.draft, config))
    shown = []
    for (path, number, image), foreign in zip(begun.shown, begun.foreign, strict=True):
        remarks = [f"looks like {foreign}: nothing was read off it"] * bool(foreign)
        remarks += [f"{why}: give a picture of the character" for why in empty_seeds({"": image}).values()]
        shown.append(DraftPicture(f"{path.name}#{number}" if number else path.name, path, number, image, remarks))
    words = [*map(str, sources), str(out)]
    return OpenDraft(
        content,
        config,
        shown,
        out,
        readings=begun.draft.traits,
        notes=[*missing, *begun.notes],
        names=known_characters(config.panel),
        next_commands=[shlex.join(["bootstrap", "check", *words]), shlex.join(["bootstrap", "run", *words])],
    )


def _content(path: Path) -> dict[str, Any]:
    """The content of a character file, which a page can show though it has mistakes. Raises CharacterError."""
    content, _ = read_object(path)
    try:
        form_of(content)
    except CharacterError:
        load_character(path)  # names the field
        raise
    if character_of(content)[0] is None and {"description", "object"} & set(content):
        raise CharacterError(f'"{path}" is a description by a model', "give it with --description")
    return content


def _named_beside(path: Path, content: Mapping[str, Any]) -> list[Path]:
    """The pictures that a character file names and that lie in its folder."""
    names = [FIGURE.sub("", row.file) for row in form_of(content).seeds]
    beside = [path.parent / Path(name).name for name in dict.fromkeys(names)]
    return [picture for picture in beside if picture.is_file()]


def _unread(pictures: Sequence[Path], config: RunConfig, name: str | None, reason: str) -> Begun:
    """A draft in which nothing was read, with the parts that every subject has."""
    shown = [(path, 0, open_picture(path)[0]) for path in pictures]
    blank = {"invariant": dict.fromkeys(config.subject.expected or ("trait",), "")}
    draft = replace(named_draft(None, name or "", pictures, config), given=blank)
    return Begun(draft, shown, [f"nothing was read: {reason}"], [""] * len(shown))
