import json

import pytest

from bootstrap.character import load_character
from bootstrap.errors import CharacterError

GOOD = {"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "blue hair, long_hair"}}


def write(folder, data):
    path = folder / "character.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_short_character_has_defaults_and_tags_are_split(tmp_path):
    character = load_character(write(tmp_path, GOOD))
    assert character.identity == ("blue hair", "long hair")
    assert list(character.wardrobe) == ["default"]
    assert character.core == ("1girl", "solo")


def test_every_problem_is_named_at_once_with_a_suggestion(tmp_path):
    bad = {**GOOD, "expresions": ["smile"], "trigger": " ", "outfits": {"a": {"tag": "x"}}}
    with pytest.raises(CharacterError) as error:
        load_character(write(tmp_path, bad))
    text = str(error.value)
    assert "expresions: unknown field (did you mean 'expressions'?)" in text
    assert "trigger" in text
    assert "outfits.a.tags" in text
    assert "\n" not in text


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_what_is_no_json_object_is_one_line(tmp_path, text):
    with pytest.raises(CharacterError) as error:
        load_character(write(tmp_path, text))
    assert "\n" not in str(error.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(CharacterError, match="no such file"):
        load_character(tmp_path / "nobody.json")


def test_seed_note_must_name_a_described_outfit(tmp_path):
    with pytest.raises(CharacterError, match=r"seeds\.0\.outfit .gown."):
        load_character(write(tmp_path, {**GOOD, "seeds": [{"file": "a.png", "outfit": "gown"}]}))


def test_outfit_shares_fill_what_is_not_stated(tmp_path):
    outfits = {"a": {"tags": "x", "share": 0.5}, "b": {"tags": "y"}, "c": {"tags": "z"}}
    character = load_character(write(tmp_path, {**GOOD, "outfits": outfits}))
    assert character.outfit_shares() == {"a": 0.5, "b": 0.25, "c": 0.25}


def test_a_background_with_a_comma_stays_one_background(tmp_path):
    character = load_character(write(tmp_path, {**GOOD, "backgrounds": ["city street, night", "forest"]}))
    assert character.backgrounds == ("city street, night", "forest")
