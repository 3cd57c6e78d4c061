"""A tag of name, what it is and focus: known by its form, proposed or added where it is missing."""

import json

import pytest
from PIL import Image

from bootstrap.character import Character
from bootstrap.character.core_tag import core_tags_in, core_warnings, with_core_tag

PLAIN = Character(name="Mika", trigger="mikachr", invariant={"hair": "blue hair"})


def test_a_core_tag_is_known_by_its_form():
    tags = ("1girl", "Mikachr_character_focus", "eye focus", "solo focus", "She is in focus.", "Old Mill house focus")
    assert core_tags_in(tags) == ["mikachr character focus", "old mill house focus"]


@pytest.mark.parametrize(("setting", "said"), [("propose", "core_tag=add"), ("add", "joins"), ("none", "")])
def test_one_that_is_missing_is_proposed_or_added_as_the_setting_says(setting, said):
    assert [said in text for text in core_warnings(PLAIN, setting)] == [True] * bool(said)
    core = with_core_tag(PLAIN, setting).core
    assert core == (*PLAIN.core, *(["mikachr character focus"] if setting == "add" else []))
    own = PLAIN.model_copy(update={"core": ("1girl", "mika girl focus")})
    assert (core_warnings(own, setting), with_core_tag(own, setting)) == ([], own)
    twice = own.model_copy(update={"core": ("mika girl focus", "mikachr character focus")})
    assert "has 2 core tags" in core_warnings(twice, setting)[0]


def test_check_proposes_it(tmp_path, call):
    image = Image.new("RGB", (128, 128), "red")
    image.paste("blue", (20, 20, 90, 110))
    image.save(tmp_path / "seed.png")
    (tmp_path / "c.json").write_text(json.dumps({**PLAIN.model_dump(include={"name", "trigger", "invariant"})}))
    given = ("check", tmp_path / "seed.png", tmp_path / "c.json", "--out", tmp_path / "run")
    done = call(*given, "--base", "puppet", "--set", "base.demonstration=false")
    assert 'add "mikachr character focus" to it' in done.out + done.err
