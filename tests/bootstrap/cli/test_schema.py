"""The printed schema is whole: it names its draft, its references lead somewhere, and it knows the shipped files."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bootstrap.cli.app import app

SHIPPED = sorted(Path(__file__).parents[3].glob("configs/characters/*/character.json"))


def printed(*arguments):
    result = CliRunner().invoke(app, ["schema", *arguments])
    assert result.exit_code == 0
    return json.loads(result.stdout)


def references(part):
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else [])
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


@pytest.mark.parametrize("arguments", [(), ("--description",)])
def test_a_schema_names_its_draft_and_its_references_lead_somewhere(arguments):
    schema = printed(*arguments)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object"
    found = list(references(schema))
    assert found
    assert {name.removeprefix("#/$defs/") for name in found} <= schema["$defs"].keys()


def test_each_kind_has_a_schema_of_its_own(call):
    assert "members" in printed("--kind", "couple")["required"]
    assert printed("--kind", "group") == printed("--kind", "couple")
    assert "invariant" in printed("--kind", "character")["required"]
    assert "invariant" not in printed("--kind", "style")["required"]
    assert call("schema", "--kind", "nothing").code == 2


def test_it_knows_every_field_of_the_shipped_characters():
    schema, several = printed(), printed("--kind", "couple")
    for path in SHIPPED:
        data = json.loads(path.read_text())
        if "members" in data:
            assert set(several["required"]) <= data.keys() <= several["properties"].keys()
            continue
        assert data.keys() <= schema["properties"].keys()
        assert set(schema["required"]) <= data.keys() or data["kind"] == "style", "a style may have no trigger"
        notes = {key for note in data["seeds"] for key in note}
        assert notes <= schema["$defs"]["SeedNote"]["properties"].keys()


def test_texts_are_written_as_one_line_or_as_a_list():
    assert {part["type"] for part in printed()["properties"]["forbidden"]["anyOf"]} == {"string", "array"}
