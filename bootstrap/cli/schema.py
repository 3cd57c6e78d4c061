"""``bootstrap schema``: the JSON Schema of character.json, for editors and for models that write JSON."""

from __future__ import annotations

import json
from typing import Any

import typer

from bootstrap.character import character_schema
from bootstrap.character.description import description_schema
from bootstrap.character.several_file import KINDS_OF_SEVERAL, several_schema
from bootstrap.config.kind_files import kind_named

__all__ = ["schema_command"]


def schema_command(*, description: bool, kind: str) -> None:
    """Print the schema of the files of a kind of subject, or of the description format. Raises ConfigError."""
    schema: dict[str, Any] = several_schema()
    if kind not in KINDS_OF_SEVERAL:
        kind_named(kind)
        schema = description_schema() if description else character_schema(kind)
    typer.echo(json.dumps(schema, indent=2, ensure_ascii=False))
