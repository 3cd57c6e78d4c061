"""Character: what a person writes about who is to be drawn, read from character.json.

This door opens on the validated file; `bootstrap.character.description` knows the other format that is accepted,
`bootstrap.character.triggers` warns of words that mean something, `bootstrap.panel.draft` writes a first file.
"""

from __future__ import annotations

from bootstrap.character.character_file import character_schema, load_character, stored_character
from bootstrap.character.consistency import check_kind
from bootstrap.character.model import Character, Outfit, SeedNote

__all__ = [
    "Character",
    "Outfit",
    "SeedNote",
    "character_schema",
    "check_kind",
    "load_character",
    "stored_character",
]
