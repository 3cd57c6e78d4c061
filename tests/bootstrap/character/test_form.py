"""A character file as a form: what was not edited stays as it is written."""

import json
from pathlib import Path

import pytest

from bootstrap.character.form import OutfitRow, PartRow, SeedRow, edited, form_of, twice
from bootstrap.errors import CharacterError

EXAMPLES = sorted(Path("configs/characters").glob("*/character.json"))
FILE = {
    "_": "a comment",
    "name": "Mika",
    "trigger": "mkachr",
    "views": "own.yaml",
    "unheard_of": 3,
    "core": ["1girl", "solo"],
    "_invariant": "about it",
    "invariant": {"_hair": "not read", "hair": "", "_eyes": "read", "eyes": ["golden eyes"], "_": "free"},
    "outfits": {"default": {"tags": "red dress", "share": 0.5, "extra": 1, "_tags": "not read"}},
    "expressions": "smile",
    "seeds": [{"_unread": "view", "file": "a.png", "view": "", "more": 2}, {"file": "gone.png", "tags": "smile"}],
}


def changed(**fields):
    return edited(FILE, form_of(FILE, ["a.png", "b.png"]).model_copy(update=fields))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_unedited_form_is_the_same_file(path):
    content = json.loads(path.read_text())
    assert list(edited(content, form_of(content)).items()) == list(content.items())


def test_what_the_form_does_not_show_stays():
    assert changed() == FILE
    renamed = changed(name="Miko")
    assert renamed == FILE | {"name": "Miko"}
    assert changed(core="1boy, solo")["core"] == "1boy, solo"
    assert changed(expressions=("smile", "frown"))["expressions"] == ["smile", "frown"]
    assert "purpose" not in renamed


def test_the_comment_of_a_part_goes_with_what_it_said():
    parts = (PartRow(part="hair", tags="red hair"), PartRow(part="eyes", tags="golden eyes"))
    found = changed(invariant=parts)["invariant"]
    assert found == {"_": "free", "hair": "red hair", "_eyes": "read", "eyes": ["golden eyes"]}
    assert list(changed(invariant=parts[:1])["invariant"]) == ["_", "hair"]
    worn = changed(outfits=(OutfitRow(name="default", tags="blue dress", share=None), OutfitRow(name="new")))["outfits"]
    assert worn == {"default": {"tags": "blue dress", "share": None, "extra": 1}, "new": {"tags": ""}}


def test_seeds_get_an_entry_once_something_is_said_of_them():
    form = form_of(FILE, ["a.png", "b.png"])
    assert [row.file for row in form.seeds] == ["a.png", "gone.png", "b.png"]
    assert edited(FILE, form)["seeds"] == FILE["seeds"]
    first, gone, second = form.seeds
    rows = (first.model_copy(update={"view": "front"}), gone, second.model_copy(update={"tags": "sky"}))
    found = changed(seeds=rows)["seeds"]
    assert (found[0]["view"], found[0]["more"], "_unread" in found[0]) == ("front", 2, False)
    assert found[1:] == [{"file": "gone.png", "tags": "smile"}, SeedRow(file="b.png", tags="sky").model_dump()]


def test_two_rows_of_one_name_are_said():
    rows = (PartRow(part="hair", tags="a"), PartRow(part="hair", tags="b"), PartRow(part=" ", tags="c"))
    said = twice(form_of(FILE).model_copy(update={"invariant": rows}))
    assert set(said) == {"invariant.hair", "invariant"}


@pytest.mark.parametrize("wrong", [{"invariant": ["hair"]}, {"name": 3}, {"seeds": [1]}, {"poses": 5}], ids=str)
def test_a_file_that_no_form_can_show_is_refused(wrong):
    with pytest.raises(CharacterError, match="cannot show"):
        form_of(FILE | wrong)
