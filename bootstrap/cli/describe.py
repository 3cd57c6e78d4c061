"""``bootstrap describe``: a description by a model that reads pictures, as character.json or in the schema A1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import typer

from bootstrap.character.description import Description
from bootstrap.cli.described_draft import ReadBy, notes_of
from bootstrap.cli.init import init_command
from bootstrap.config import shipped_names
from bootstrap.errors import BackendError, ConfigError, OutputError, UsageError
from bootstrap.listeners.waiting import waiting
from bootstrap.machine.plain_output import one_line
from bootstrap.readers import Question
from bootstrap.readers.reader_settings import CHOSEN, chosen_reader
from bootstrap.readers.safe_words import commands_in
from bootstrap.seeds import gather
from bootstrap.store.files import write_atomic

__all__ = ["describe_as", "read_by"]

SCHEMAS = ("character", "a1")
INSTRUCTION = "a1"


def read_by(
    reader: str | None, model: str | None, notes: Path | None, *, allow_upload: bool, required: bool = False
) -> ReadBy | None:
    """The reader that was typed, or that the environment names; None for neither. Raises ConfigError or UsageError.

    Where a reader is ``required``, none is an error.
    """
    settings = chosen_reader(reader, model)
    if settings is None:
        if required or notes is not None or model is not None:
            listed = ", ".join(shipped_names("readers"))
            hint = f"name one with --reader, or in {CHOSEN}: {listed}, a server's address, a model's folder"
            raise ConfigError("no reader is chosen", hint)
        return None
    return ReadBy(settings, allow_upload, notes_of(notes), required or reader is not None)


def describe_as(
    schema: str, sources: Sequence[Path], chosen: ReadBy | None, *, base: str | None, name: str | None, out: Path
) -> None:
    """Write the description in one of `SCHEMAS`. Raises UsageError or BackendError."""
    if schema not in SCHEMAS:
        raise UsageError(f'--schema "{schema}" is no schema', f"choose one of: {', '.join(SCHEMAS)}")
    if schema == "a1" and chosen is not None:
        _describe_a1(sources, chosen, out)
        return
    init_command(sources, base=base, out=out, name=name, description=None, read_by=chosen)


def _describe_a1(sources: Sequence[Path], chosen: ReadBy, out: Path) -> None:
    """One description of all pictures together, as the reader writes it."""
    if out.exists():
        raise OutputError(f'"{out}" exists already', "choose another file with --out")
    pictures = tuple(gather(sources))
    with waiting(f"asking {chosen.settings.name}"), chosen.opened() as reader:
        reply = reader.ask(Question(pictures, INSTRUCTION, Description, chosen.notes))
    if reply.value is None:
        raise BackendError(reply.refused or "the reader gave no description", "give another with --reader")
    description = Description.model_validate(reply.value)
    parts = []
    for part in description.object:
        told = commands_in(" ".join((part.name, part.description, *part.position)))
        if told:
            typer.echo(one_line(f'note: the part "{part.name}" is left out: {told}'))
        else:
            parts.append(part.model_dump(mode="json"))
    if not parts or (told := commands_in(description.description)):
        raise BackendError(f"the description is not used: {told}", "cover the lettering in the picture")
    plain = {"description": description.description, "object": parts}
    write_atomic(out, (json.dumps(plain, ensure_ascii=False, indent=2) + "\n").encode())
    typer.echo(f"wrote {out}; next: bootstrap init {sources[0]} --from {out}")
