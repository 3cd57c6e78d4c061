"""The commands that ask a model that reads pictures, with their options; each calls a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AuthorNotes", "ReaderModel", "ReaderName", "ReaderUpload", "reading_app"]

reading_app = typer.Typer(rich_markup_mode=None)
ReaderName = Annotated[
    str | None,
    typer.Option("--reader", help="What reads pictures: a preset, a server's address, a model's folder [none]."),
]
ReaderModel = Annotated[str | None, typer.Option("--model", help="The model's name at the reader's server.")]
ReaderUpload = Annotated[bool, typer.Option("--allow-upload", help="Let the reader send your pictures away.")]
AuthorNotes = Annotated[Path | None, typer.Option("--notes", help="A text of yours about the character.")]


@reading_app.command()
def describe(
    sources: Annotated[list[Path], typer.Argument(metavar="SEED...", help="Pictures of one character.")],
    reader: ReaderName = None,
    model: ReaderModel = None,
    notes: AuthorNotes = None,
    allow_upload: ReaderUpload = False,
    given: Annotated[
        Path | None, typer.Option("--from", help="A description that a model has written already: no reader is asked.")
    ] = None,
    schema: Annotated[str, typer.Option(help="What is written: character, or a1 (description, object[]).")] = (
        "character"
    ),
    base: Annotated[str | None, typer.Option(help="A preset or a checkpoint: its words, and its panel.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call the character.")] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("character.json"),
) -> None:
    """Describe a character from its pictures by a model that reads them: character.json, each trait with its source.

    bootstrap describe seed.png --reader ollama --base illustrious

    bootstrap describe front.png back.png --notes notes.txt --reader http://localhost:8080/v1 --base sdxl

    bootstrap describe seed.png --reader ollama --schema a1 --out description.json
    """
    from bootstrap.cli.describe import describe_as, read_by
    from bootstrap.cli.init import init_command

    if given is not None:
        init_command(sources, base=base, out=out, name=name, description=given)
        return
    chosen = read_by(reader, model, notes, allow_upload=allow_upload, required=True)
    describe_as(schema, sources, chosen, base=base, name=name, out=out)


@reading_app.command()
def label(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with pictures, also below it.")],
    reader: ReaderName = None,
    model: ReaderModel = None,
    allow_upload: ReaderUpload = False,
    base: Annotated[
        str | None, typer.Option(help="A preset or a checkpoint: tags or sentences, and the panel that checks them.")
    ] = None,
    character: Annotated[
        Path | None, typer.Option(help="A character.json: its trigger comes first, what it stands for is left out.")
    ] = None,
    phase: Annotated[str, typer.Option(help="style: identity is named; character: it is left out [the last].")] = "",
    again: Annotated[bool, typer.Option("--again", help="Also its own captions that nobody changed since.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write them; without it they are only printed.")] = False,
) -> None:
    """Caption the pictures of any folder that have no caption, by a model that reads them; yours stay as they are.

    bootstrap label dataset/ --reader ollama

    bootstrap label dataset/ --reader ollama --base sdxl --character character.json --write
    """
    from bootstrap.cli.describe import read_by
    from bootstrap.cli.label import LabelOptions, label_command

    chosen = read_by(reader, model, None, allow_upload=allow_upload, required=True)
    label_command(folder, chosen, LabelOptions(base, character, phase, again, write))
