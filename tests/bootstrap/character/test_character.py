import json
import re

import pytest

from bootstrap.character import Character, character_schema, check_kind, load_character
from bootstrap.character.complexity import complexity_warnings, sameness_warnings
from bootstrap.character.known_words import ordinary_words
from bootstrap.character.triggers import word_warnings
from bootstrap.config import load
from bootstrap.errors import CharacterError

CONFIG = load("puppet")
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


def test_suggestions_reach_into_parts(tmp_path):
    bad = {**GOOD, "outfits": {"a": {"tags": "x", "shaer": 0.5}}, "seeds": [{"file": "s.png", "veiw": "front"}]}
    with pytest.raises(CharacterError) as error:
        load_character(write(tmp_path, bad))
    assert "outfits.a.shaer: unknown field (did you mean 'share'?)" in str(error.value)
    assert "seeds.0.veiw: unknown field (did you mean 'view'?)" in str(error.value)


def test_a_framing_that_does_not_exist_is_refused_with_those_that_do(tmp_path):
    with pytest.raises(CharacterError, match=r"seeds\.0\.framing .full.: .*full body"):
        check_kind(load_character(write(tmp_path, {**GOOD, "seeds": [{"file": "s.png", "framing": "full"}]})), CONFIG)


def test_seeds_train_names_a_phase_of_the_kind():
    character = Character(**GOOD, seeds_train="style-only")
    check_kind(character, CONFIG)
    assert (character.trains_seeds("style"), character.trains_seeds("character")) == (True, False)
    choices = "must be one of always, never, style-only, character-only"
    with pytest.raises(CharacterError, match=f'seeds_train "sketch-only": {choices}'):
        check_kind(character.model_copy(update={"seeds_train": "sketch-only"}), CONFIG)
    with pytest.raises(ValueError, match="seeds_train"):
        Character(**GOOD, seeds_train="sometimes")


def test_contradictions_are_named_together(tmp_path):
    outfits = {"a": {"tags": "red dress", "trigger": "mikachr"}}
    with pytest.raises(CharacterError) as error:
        load_character(write(tmp_path, {**GOOD, "outfits": outfits, "forbidden": "blue hair", "negative": "red dress"}))
    for words in ('forbidden "blue hair"', 'negative "red dress"', 'trigger "mikachr" is used twice'):
        assert words in str(error.value)


def test_comments_are_passed_over_and_a_key_written_twice_is_not(tmp_path):
    noted = {**GOOD, "_why": 1, "$schema": "x", "invariant": {"_": "?", "hair": "blue hair"}}
    assert load_character(write(tmp_path, noted)).identity == ("blue hair",)
    with pytest.raises(CharacterError, match='"name" is written twice'):
        load_character(write(tmp_path, '{"name": "A", "name": "B", "trigger": "achr", "invariant": {"a": "b"}}'))


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = write(tmp_path, GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_character(path).name == "Mika"


def test_the_schema_is_of_the_draft_it_says_and_knows_every_field():
    schema = character_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert set(schema["properties"]) == set(Character.model_fields)
    assert schema["required"] == ["name", "trigger", "invariant"]
    assert all("description" in field for field in schema["properties"].values())
    assert all(re.match(part, "_why") for part in schema["$defs"]["Outfit"]["patternProperties"])
    assert schema["additionalProperties"] is False


def test_the_shipped_characters_fit_the_schema():
    from pathlib import Path

    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(character_schema())
    for path in Path(__file__).parents[3].glob("configs/characters/*/character.json"):
        content = json.loads(path.read_text())
        if "members" not in content:  # several have a schema of their own
            jsonschema.validate(content, character_schema(content["kind"]))


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        *[("mikachr", ()), ("cat", ("cat",)), ("Cats", ("cats",)), ("red-mage2", ("red", "mage")), ("zq", ())],
        *[("chicken", ("chicken",)), ("Naruto", ("naruto",)), ("zetasummer", ()), ("mika_chr", ("mika",))],
        *[("redcat", ("red", "cat")), ("catgirlred", ("cat", "girl", "red")), ("hatsunemiku", ("hatsune", "miku"))],
        *[("catmika", ("cat",)), ("sakuragirl", ("girl",)), ("mk7bluehair", ("blue", "hair"))],
        ("red" * 40 + "z", ("red",)),
        *[("rubychr", ()), ("noxchr", ()), ("pipchr", ()), ("backgwa", ()), ("catherinechr", ())],
    ],
)
def test_a_trigger_that_is_an_ordinary_word_is_found(trigger, words):
    assert ordinary_words(trigger) == words


def test_words_of_the_vocabulary_and_triggers_of_outfits_count():
    outfits = {"a": {"tags": "red dress", "trigger": "pajamas"}}
    character = Character(name="B", trigger="haori", invariant={"hair": "blue hair"}, outfits=outfits)
    assert len(word_warnings(character)) == 1
    warnings = word_warnings(character, ["red haori", "striped pajamas"])
    assert [text.partition(" is ")[0] for text in warnings] == ['trigger "haori"', 'outfits.a.trigger "pajamas"']
    assert '"bchrpajamas"' in warnings[1]
    assert word_warnings(load_ruby()) == []
    (made,) = word_warnings(character.model_copy(update={"trigger": "fox-girl", "outfits": {}}))
    assert made.startswith('trigger "fox-girl" is made of ordinary words (fox, girl)')
    (within,) = word_warnings(Character(name="Red", trigger="catmika", invariant={"hair": "blue hair"}))
    assert within.startswith('trigger "catmika" contains ordinary words (cat)')
    assert within.endswith('for example "rdchr"')


def load_ruby():
    from pathlib import Path

    return load_character(Path(__file__).parents[3] / "configs" / "characters" / "ruby" / "character.json")


@pytest.mark.parametrize("trigger", ["Seraphina Nightbloom  of the Vale", "x" * 100])
def test_a_long_name_is_a_trigger(tmp_path, trigger):
    character = load_character(write(tmp_path, {**GOOD, "trigger": trigger}))
    assert character.trigger == " ".join(trigger.split())
    assert word_warnings(character) == []
    assert len(word_warnings(character.model_copy(update={"trigger": "red dragon"}))) == 1


def test_tags_that_name_another_character_are_told():
    character = Character(
        **{**GOOD, "core": "1girl, hatsune miku", "outfits": {"a": {"tags": "kimono_(yuki), red hat"}}}
    )
    (core,) = word_warnings(character)
    assert core.startswith('core "hatsune miku" names another character')
    assert [text[:9] for text in word_warnings(character, names={"kimono (yuki)"})] == ["outfits.a", 'core "hat']


def test_what_never_varies_is_told_but_not_for_the_demonstration():
    plain = Character(name="M", trigger="mchr", invariant={"hair": "blue hair"}, poses=["standing"])
    (told,) = sameness_warnings(plain, load("sdxl"))
    assert told == (
        "every picture has the same pose and outfit and style, and what never varies is learned: "
        'write two or more "poses" and "outfits" and "styles" into character.json'
    )
    assert sameness_warnings(plain, load("puppet")) == []
    worn = {"a": {"tags": "red dress"}, "b": {"tags": "jeans"}}
    varied = Character(name="M", trigger="mchr", invariant={"hair": "blue hair"}, outfits=worn, styles=["a", "b"])
    assert sameness_warnings(varied, load("sdxl")) == []


def test_a_complex_design_is_warned_of():
    many = {"marks": [f"mark {number}" for number in range(13)]}
    worn = {"a": {"tags": "ornate armor, red cape"}, "b": {"tags": ", ".join(f"belt {n}" for n in range(9))}}
    warnings = complexity_warnings(Character(**{**GOOD, "invariant": many, "outfits": worn}))
    assert [text.partition(";")[0] for text in warnings] == [
        "invariant has 13 tags, more than 12",
        "outfits.b has 9 tags, more than 8",
        "details that every drawing shows otherwise: ornate armor",
    ]
    assert complexity_warnings(load_ruby()) == []


@pytest.mark.parametrize(
    ("facts", "switch"),
    [
        ({}, ()),
        ({"styles": ["sketch"]}, ()),
        ({"styles": ["sketch", "pastel"]}, ("mikachr style",)),
        ({"styles": ["sketch", "pastel"], "style_switch": ""}, ()),
        ({"styles": ["sketch", "pastel"], "style_switch": "inked"}, ("inked",)),
    ],
)
def test_several_styles_have_a_switch_unless_one_is_written(facts, switch):
    character = Character.model_validate({**GOOD, **facts})
    assert character.style_switch == switch
    assert Character.model_validate_json(character.model_dump_json()) == character


def test_an_empty_text_is_no_entry_of_a_list():
    empty = Character(name="M", trigger="mchr", invariant={"hair": "red hair"}, styles="", poses=" ", backgrounds="sky")
    assert (empty.styles, empty.poses, empty.backgrounds) == ((), (), ("sky",))
