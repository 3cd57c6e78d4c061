"""Descriptions of a vision-language model become characters, with a note of what was made of them."""

import json

import pytest

from bootstrap.character import load_character
from bootstrap.errors import CharacterError

PARTS = [
    ("hair", "Long, pale blue hair with an ahoge", ["head"]),
    ("cat ears", "Fluffy, with pink insides", ["top of the head"]),
    ("eyes", "golden", ["face"]),
    ("mole", "small", ["under the left eye"]),
    ("navy beret", "A navy beret that is tilted to the side", ["head"]),
    ("shirt", "white", ["torso"]),
]


def write(path, parts=PARTS, prose="A cute girl smiles. She waits.", **more):
    parts = [{"name": name, "description": text, "position": place} for name, text, place in parts]
    path.write_text(json.dumps({"description": prose, "object": parts, **more}))
    return path


def test_parts_become_tags_and_garments_an_outfit(tmp_path):
    character = load_character(write(tmp_path / "mika.json"))
    assert character.invariant == {
        "hair": ("long hair", "pale blue hair", "ahoge"),
        "cat ears": ("fluffy cat ears", "pink insides"),
        "eyes": ("golden eyes",),
        "mole": ("small mole under left eye",),
    }
    assert character.wardrobe["default"].tags == ("navy beret", "white shirt")
    assert (character.name, character.trigger, character.core) == ("mika", "mikachr", ("1girl", "solo"))


def test_what_was_made_of_it_is_said(tmp_path):
    note, made_up = load_character(write(tmp_path / "mika.json")).notes
    assert "hair: long hair, pale blue hair, ahoge" in note
    assert "outfit: navy beret, white shirt" in note
    assert "mikachr" in made_up


def test_fields_of_a_character_beside_it_win(tmp_path):
    path = write(tmp_path / "x.json", trigger="zqchr", name="Zed", base="puppet", outfits={"a": {"tags": "red dress"}})
    character = load_character(path)
    assert (character.name, character.trigger, character.base) == ("Zed", "zqchr", "puppet")
    assert list(character.outfits) == ["a"]
    assert len(character.notes) == 1


def test_a_file_that_names_nobody_is_called_after_its_folder(tmp_path):
    (tmp_path / "kiki").mkdir()
    assert load_character(write(tmp_path / "kiki" / "character.json")).name == "kiki"


@pytest.mark.parametrize(
    ("prose", "core"), [("He is tall.", ("1boy", "solo")), ("A dragon.", ("solo",)), ("A girl and her man.", ("solo",))]
)
def test_the_core_tag_follows_the_words_for_people(tmp_path, prose, core):
    assert load_character(write(tmp_path / "a.json", prose=prose)).core == core


def test_a_description_that_lacks_something_is_one_line(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"description": "x", "object": [{"name": "hair"}]}))
    with pytest.raises(CharacterError) as error:
        load_character(tmp_path / "a.json")
    assert "object.0.description" in str(error.value)
    assert "object.0.position" in str(error.value)
    with pytest.raises(CharacterError, match="every part is something worn"):
        load_character(write(tmp_path / "b.json", [("shirt", "white", [])]))


def test_parts_of_one_name_are_both_kept_and_sentences_are_dropped(tmp_path):
    parts = [("eye", "blue", ["left"]), ("eye", "red", ["right"]), ("tail", "it moves whenever she is happy or so", [])]
    character = load_character(write(tmp_path / "a.json", parts))
    assert character.invariant == {"eye": ("blue left eye",), "eye 2": ("red right eye",), "tail": ("tail",)}
