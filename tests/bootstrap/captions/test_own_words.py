"""A character's own words: a style switch, unique tags of hair and eyes, and the tag of what had to be enlarged."""

import json

import pytest
from PIL import Image

from bootstrap.captions.wording import Wording, calling
from bootstrap.character import Character, load_character
from bootstrap.config import load
from bootstrap.dataset.originals import seed_items
from bootstrap.errors import CharacterError
from bootstrap.records import Seed, Shot
from bootstrap.seeds import SeedCaptioner, cuts
from bootstrap.shots import Planner

CONFIG = load("puppet")
PLAIN = {"name": "M", "trigger": "mikachr", "invariant": {"hair": "blue hair, long hair", "eyes": "yellow eyes"}}
OWN = {"style_switch": "anime screencap", "unique": {"hair": "blue mikachr hair", "eyes": "yellow mikachr eyes"}}
WORDING = Wording.of(Character(**PLAIN, **OWN), CONFIG)
SHOT = Shot(
    "front",
    "front",
    "full body",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)
BEHIND = Shot(
    "behind",
    "behind",
    "full body",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)


def test_own_words_stand_in_captions_of_both_phases_after_the_core():
    own = ("blue mikachr hair", "yellow mikachr eyes", "anime screencap")
    for phase in ("style", "character"):
        assert WORDING.caption(SHOT, phase)[3:6] == own
        assert WORDING.seed_caption(phase, {"view": "from front"})[3:6] == own
    assert "blue hair" not in WORDING.caption(SHOT, "character")


def test_a_unique_tag_is_said_where_its_part_is_seen():
    assert "yellow mikachr eyes" not in WORDING.caption(BEHIND, "character")
    assert "blue mikachr hair" in WORDING.caption(BEHIND, "character")
    assert "yellow mikachr eyes" not in WORDING.seed_caption("character", {}, hides=["eye_color"])


def test_prompts_with_the_trigger_say_them_unless_the_trait_is_exchanged():
    assert "blue mikachr hair, yellow mikachr eyes, anime screencap" in WORDING.prompt(SHOT, {})
    exchanged = WORDING.prompt(SHOT, WORDING.traits(SHOT, {"eye_color": "red eyes"}))
    assert "blue mikachr hair" in exchanged
    assert "yellow mikachr eyes" not in exchanged
    base = WORDING.prompt(SHOT, WORDING.traits(SHOT), trigger=False)
    assert "mikachr" not in base
    assert "anime screencap" not in base


def test_without_them_nothing_changes():
    plain = Wording.of(Character(**PLAIN), CONFIG)
    assert plain.caption(SHOT, "character") == (
        "mikachr", "1girl", "solo", "from front", "full body", "smile", "standing", "forest", "cel shading",
    )  # fmt: skip
    assert plain.prompt(SHOT, plain.traits(SHOT)) == (
        "mikachr, 1girl, solo, blue hair, long hair, yellow eyes, from front, full body, smile, standing, forest, "
        "cel shading"
    )


@pytest.mark.parametrize(
    ("unique", "message"),
    [
        ({"tail": "red tail"}, 'unique.tail "red tail": there is no such part in invariant'),
        ({"hair": "a, b"}, "write one tag without commas"),
        ({"hair": " "}, "write one tag without commas"),
        ({"hair": "mikachr"}, "make up a tag of its own"),
        ({"hair": "long hair"}, "make up a tag of its own"),
    ],
)
def test_a_unique_tag_that_is_none_is_refused(tmp_path, unique, message):
    (tmp_path / "character.json").write_text(json.dumps({**PLAIN, "unique": unique}))
    with pytest.raises(CharacterError, match=message):
        load_character(tmp_path / "character.json")


def test_enlarged_pictures_are_tagged_where_the_base_has_a_word_for_it(tmp_path):
    Image.new("RGB", (96, 96), (90, 120, 50)).save(tmp_path / "s.png")
    seed = Seed("s.png", "0", "s.png", "front", "front", "upper body", "default", (), "sidecar")
    tagged = {}
    for base in ("puppet", "illustrious"):
        config = load(base)
        captioner = SeedCaptioner(Wording.of(Character(**PLAIN), config), lambda image, phrases: "")
        made = seed_items(seed, 0, tmp_path, captioner, config.panel.composition, 120, "character")
        tagged[base] = ["lowres" in item.tags for item in made]
    assert not any(tagged["puppet"])
    kinds = [cut.enlarged for cut in cuts(Image.new("RGB", (96, 96)), "upper body", CONFIG.panel.composition, 120)]
    assert tagged["illustrious"][0] is kinds[0] is False  # 96 of 120: near enough
    assert any(tagged["illustrious"])  # a head cut out of it is not


def test_how_much_is_too_few():
    sizes = {side: cuts(Image.new("RGB", (96, 96)), "", {}, side)[0].enlarged for side in (96, 128, 129, 1024)}
    assert sizes == {96: False, 128: False, 129: True, 1024: True}


def test_what_calls_the_character_is_told_on_its_card():
    character = Character(**PLAIN, **OWN)
    assert calling(character, "tags") == (
        "mikachr", "1girl", "solo", "blue mikachr hair", "yellow mikachr eyes", "anime screencap",
    )  # fmt: skip
    assert calling(character, "prose")[:2] == ("mikachr", "a girl")
    assert calling(Character(**PLAIN), "tags") == ("mikachr", "1girl", "solo")


@pytest.mark.parametrize(
    ("written", "own"),
    [({}, ("mikachr classroom",)), ({"crossover": "room 3b"}, ("room 3b",)), ({"crossover": ""}, ())],
)
def test_the_one_background_of_a_character_has_a_tag_of_its_own(written, own):
    plain = {"name": "Mika", "trigger": "mikachr", "invariant": {"hair": "blue hair"}}
    character = Character.model_validate({**plain, "backgrounds": ["classroom"], **written})
    config = load("illustrious")
    wording, planner = Wording.of(character, config), Planner(character, config.views, config.subject)
    (shot,) = planner.plan({("front", "full body"): 1}, [])
    for tags in (wording.caption(shot, "character"), wording.prompt(shot, {}).split(", ")):
        assert [tag for tag in tags if tag in own] == list(own)
        assert "classroom" in tags
    assert not set(own) & set(wording.prompt(shot, {}, trigger=False).split(", ")), "the base knows no such word"
    assert not set(own) & set(wording.caption(shot, "character", ["background"])), "where the background is not seen"
    shown = wording.seed_caption("style", {"background": "classroom"})
    assert [tag for tag in shown if tag in own] == list(own)
    assert not set(own) & set(wording.seed_caption("style", {"background": "beach"}))
    several = Character.model_validate({**plain, "backgrounds": ["classroom", "beach"]})
    assert several.crossover == ()
