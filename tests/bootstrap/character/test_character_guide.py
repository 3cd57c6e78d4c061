"""The guide to character.json shows a file that loads, and names fields and commands that exist."""

import json
import re
from pathlib import Path

import typer

from bootstrap.character import Character, load_character
from bootstrap.cli.app import app

GUIDE = (Path(__file__).parents[3] / "configs" / "characters" / "README.md").read_text()


def test_the_example_loads(tmp_path):
    example = "".join(line[4:] for line in GUIDE.splitlines(keepends=True) if line.startswith("    "))
    (tmp_path / "character.json").write_text(json.dumps(json.loads(example)))
    character = load_character(tmp_path / "character.json")
    assert character.outfit_shares() == {"default": 0.5, "night": 0.5}


def test_its_commands_and_fields_exist():
    commands = set(typer.main.get_command(app).commands)
    assert set(re.findall(r"`bootstrap (\w+)", GUIDE)) <= commands
    quoted = set(re.findall(r'"(seeds_train|license|credits)"|`(license|credits|invariant|outfits)`', GUIDE))
    assert {name for pair in quoted for name in pair if name} <= Character.model_fields.keys()
