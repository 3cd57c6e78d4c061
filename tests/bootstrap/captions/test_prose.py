"""Sentences for bases that were trained on sentences, from the same shots and traits."""

import pytest

from bootstrap.captions.prose import clauses
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.generated import rare_floor
from bootstrap.records import Shot

SDXL = load("sdxl")
CHARACTER = Character(
    name="Mika", trigger="mikachr", invariant={"hair": "pale blue hair, long hair", "eyes": "blue eyes"},
    outfits={"day": {"tags": "navy beret, white shirt, jeans"}, "night": {"tags": "red dress", "trigger": "mikanight"}},
    quality=["sharp"],
)  # fmt: skip
WORDING = Wording.of(CHARACTER, SDXL)
SHOT = Shot(
    "front",
    "front",
    "upper body",
    {
        "expression": "smile",
        "pose": "sitting",
        "outfit": "day",
        "background": "city street, night",
        "style": "photograph",
    },
)


def test_a_caption_is_a_sentence_with_the_trigger_first():
    style = ", ".join(WORDING.caption(SHOT, "style"))
    assert style == (
        "mikachr, a girl with pale blue hair, long hair and blue eyes, wearing a navy beret, a white shirt and jeans, "
        "smiling, sitting in a city street at night, seen from the front, upper-body photograph"
    )
    character = WORDING.caption(SHOT, "character")
    assert character[:2] == ("mikachr", "a girl")
    assert character[2:] == WORDING.caption(SHOT, "style")[2:]


def test_what_is_not_seen_is_not_said():
    caption = ", ".join(WORDING.caption(SHOT, "character", unseen=["background", "expression"]))
    assert "street" not in caption
    assert "smiling" not in caption
    assert "sitting" in caption
    behind = Shot(
        "behind",
        "behind",
        "full body",
        {"expression": "smile", "pose": "standing", "outfit": "day", "background": "forest", "style": "photograph"},
    )
    prompt = WORDING.prompt(behind, WORDING.traits(behind))
    assert "blue eyes" not in prompt
    assert "smiling" not in prompt
    assert "seen from behind" in prompt


def test_a_prompt_is_the_sentence_and_the_quality_words():
    prompt = WORDING.prompt(SHOT, {"hair_color": "red hair"})
    assert prompt.startswith("mikachr, a girl with red hair, wearing a navy beret")
    assert prompt.endswith("upper-body photograph, sharp")
    assert WORDING.prompt(SHOT, {}, trigger=False).startswith("a girl, wearing")


def test_an_outfits_own_word_is_said_as_it_is():
    night = Shot(
        "above",
        "above",
        "close-up",
        {"expression": "surprised", "pose": "waving", "outfit": "night", "background": "snow", "style": "cel shading"},
    )
    assert WORDING.caption(night, "character") == (
        "mikachr", "a girl", "mikanight", "wearing a red dress", "looking surprised", "waving in the snow",
        "seen from above", "close-up in the style of cel shading",
    )  # fmt: skip


def test_seeds_are_captioned_alike():
    shown = {"top": "white shirt", "view": "from side, facing left", "framing": "portrait", "altered": "monochrome"}
    assert WORDING.seed_caption("character", shown) == (
        "mikachr", "a girl", "wearing a white shirt", "seen from the side facing left", "monochrome portrait picture",
    )  # fmt: skip
    assert "pale blue hair" in WORDING.seed_caption("style", shown)[1]


@pytest.mark.parametrize(
    ("core", "scene", "expected"),
    [
        (["1boy"], {"pose": "standing"}, ("x", "a boy", "standing")),
        (["no humans", "robot"], {}, ("x", "a character", "robot")),
        ([], {"background": "castle"}, ("x", "a character", "with castle in the background")),
        ([], {"view": "three-quarter view, facing left"}, ("x", "a character", "in three-quarter view facing left")),
        ([], {"weather": "light rain"}, ("x", "a character", "light rain")),
    ],
)
def test_what_each_part_becomes(core, scene, expected):
    assert clauses("x", core, [], [], scene) == expected


def test_clothes_have_articles():
    assert clauses("x", [], [], ["orange hat"], {}) == ("x", "a character", "wearing an orange hat")


def test_tags_stay_tags_and_are_the_default():
    assert load("puppet").base.dialect == load("illustrious").base.dialect == "tags"
    assert load("sd15").base.dialect == "prose"
    tags = Wording.of(CHARACTER, load("sdxl", overrides=["base.dialect=tags"]))
    assert tags.caption(SHOT, "character")[:3] == ("mikachr", "1girl", "solo")


def test_rare_tags_are_counted_where_captions_are_tags():
    for dialect, floor in (("prose", 0), ("tags", 15)):
        assert rare_floor(load("sdxl", overrides=[f"base.dialect={dialect}"]), "character") == floor
    assert rare_floor(load("puppet"), "character") == 0
