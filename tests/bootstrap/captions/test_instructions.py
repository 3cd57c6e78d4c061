"""Instructions for drawers that are shown a reference: shots in the words of the shipped preset."""

import re

import pytest
from pydantic import ValidationError

from bootstrap.backends.outside.instruction_settings import CameraWords, InstructionSettings
from bootstrap.captions.instructions import Instructions
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.character.model import SeedNote
from bootstrap.config import load
from bootstrap.config.shipped_files import read_section
from bootstrap.records import Shot

CONFIG = load("sdxl")
CHARACTER = Character(
    name="Mika", trigger="mikachr", core="1girl, solo",
    invariant={"hair": "pale blue hair, long hair", "eyes": "golden eyes"},
    outfits={"day": {"tags": "navy beret, white shirt"}, "night": {"tags": "red dress", "trigger": "mikanight"}},
    forbidden="glasses",
)  # fmt: skip
WORDING = Wording.of(CHARACTER, CONFIG)
STANDARD = InstructionSettings(**read_section("instructions", "standard"))
AXES = {"expression": "smile", "pose": "sitting", "outfit": "day", "background": "city street, night", "style": ""}
CAMERA = CameraWords(
    template="<sks> {azimuth} {elevation} {distance}",
    azimuth={"behind": "back view", "*": "front view"},
    elevation={"above": "high-angle shot", "*": "eye-level shot"},
    distance={"full body": "wide shot", "*": "medium shot"},
)


def instructed(view="front", family="front", framing="upper body", settings=STANDARD, camera=None, **axes):
    shot = Shot(family, view, framing, {**AXES, **axes})
    return Instructions(WORDING, settings, camera).prompt(shot, WORDING.traits(shot))


def test_the_picture_comes_first_the_design_next_and_the_view_last():
    text = instructed()
    order = ["from the waist up, sitting, smiling", "a city street, at night", "a drawing", "pale blue hair"]
    places = [text.index(part) for part in [*order, "a navy beret and a white shirt", "View: straight from the front"]]
    assert places == sorted(places)
    assert text.startswith("Draw a new picture of the girl in the reference")
    assert "mikachr" not in text
    assert "{" not in text
    assert "[" not in text
    assert "  " not in text


def test_what_a_view_hides_is_not_asked_for():
    text = instructed("behind", "behind", "portrait")
    assert "smiling" not in text
    assert "golden eyes" not in text
    assert "No face" not in text
    assert "from behind" in text
    assert "long hair" in text


def test_another_outfit_replaces_that_of_the_reference_without_its_trigger():
    assert "Keep the clothes of the reference: a navy beret and a white shirt." in instructed()
    text = instructed(outfit="night")
    assert "wears a red dress instead" in text
    assert "Keep the clothes" not in text
    assert "mikanight" not in text


def test_the_outfit_of_the_seeds_is_the_usual_one():
    seen = CHARACTER.model_copy(update={"seeds": (SeedNote(file="a.png", outfit="night"),)})
    wording = Wording.of(seen, CONFIG)
    shot = Shot("front", "front", "upper body", AXES)
    text = Instructions(wording, STANDARD).prompt(shot, wording.traits(shot))
    assert "wears a navy beret and a white shirt instead" in text


@pytest.mark.parametrize(
    ("style", "named"),
    [("", "a drawing in the style of the reference"), ("sketch", "style of sketch; not a photograph"),
     ("photograph", "It is a photograph.")],
)  # fmt: skip
def test_drawings_are_named_as_drawings_and_photographs_as_photographs(style, named):
    assert named in instructed(style=style)


def test_every_view_and_framing_of_the_shipped_grid_has_words_of_its_own():
    views = [(family, view) for family, plan in CONFIG.views.families.items() for view in plan.views]
    assert len({instructed(view, family) for family, view in views}) == len(views)
    assert len({instructed(framing=framing) for framing in CONFIG.views.framings}) == len(CONFIG.views.framings)


def test_a_camera_lora_is_called_first_in_its_own_words():
    assert instructed(camera=CAMERA).startswith("<sks> front view eye-level shot medium shot. Draw")
    assert "<sks> back view eye-level shot wide shot" in instructed("behind", "behind", "full body", camera=CAMERA)
    assert "high-angle" in instructed("above", "above", camera=CAMERA)
    assert "high-angle" not in instructed()


def test_a_sentence_without_its_word_is_left_out_and_words_nobody_translated_stay():
    settings = InstructionSettings(sentences=("A[, {pose}].", "{mood}!", "{style}."), words={"pose": {}, "mood": {},
                                   "style": {}})  # fmt: skip
    assert instructed(settings=settings, pose="leaping") == "A, leaping."


def test_the_negative_names_what_the_character_forbids():
    settings = InstructionSettings(sentences=("x",), negative="blurry, text")
    assert Instructions(WORDING, settings).negative() == "blurry, text, glasses"


@pytest.mark.parametrize(
    ("make", "said"),
    [(lambda: InstructionSettings(sentences=("{posse}",)), '"{posse}" stands for nothing; there are'),
     (lambda: InstructionSettings(sentences=("a [b",)), 'has a square bracket without the other'),
     (lambda: CameraWords(template="{azimuth}", azimuth={}, elevation={"*": ""}, distance={"*": ""}), "azimuth has no"),
     (lambda: CameraWords(template="{zoom}", azimuth={}, elevation={}, distance={}), '"{zoom}" stands for nothing')],
)  # fmt: skip
def test_a_mistake_in_a_preset_is_named(make, said):
    with pytest.raises(ValidationError, match=re.escape(said)):
        make()
