import math

import numpy as np
import pytest
from PIL import Image

from scoring.crops import Crops
from scoring.features import Features
from scoring.measurement import Picture
from scoring.zeroshot import TraitCheck, ViewCheck, read_axis

VIEWS = {"front": ["red side"], "behind": ["blue side", "blue far side"], "profile": ["green side"]}
WORDS = {"hair": ["red hair", "green hair", "blue hair"], "eyes": ["red eyes", "blue eyes"], "single": ["red"]}


def test_a_view_as_asked_has_a_positive_margin(encoder, paint):
    check = ViewCheck(encoder, Features(), VIEWS)
    good, bad = check.score([paint("red", view_family="front"), paint("blue", view_family="front")])
    assert good.value > 5
    assert bad.value < 0
    assert bad.why == "reads as behind, not front"


def test_the_phrases_of_a_family_stand_together(encoder, paint):
    blue, purple = ViewCheck(encoder, Features(), VIEWS).score(
        [
            paint("blue", view_family="behind"),
            paint((128, 0, 128), view_family="behind"),
        ]
    )
    assert blue.value > 5  # two phrases share the probability; neither is the other's rival
    assert purple.value == pytest.approx(math.log(2))


@pytest.mark.parametrize(("color", "passes"), [("red", True), ("blue", False)])
def test_the_other_side_of_a_family_fails(encoder, paint, color, passes):
    encoder.embed_words = lambda words: np.array([["left" in word, 0.1, "right" in word] for word in words], np.float32)
    check = ViewCheck(encoder, Features(), {"profile": ["facing left", "facing right"], "front": ["front"]})
    answer = check.score([paint(color, view_family="profile", view="facing left")])[0]
    assert (answer.value > 0) == passes
    assert answer.why == ("" if passes else "reads as 'facing right'")


def test_slack_moves_the_margin(encoder, paint):
    strict = ViewCheck(encoder, Features(), VIEWS, slack=100)
    assert strict.score([paint("red", view_family="front")])[0].value < 0
    assert strict.fingerprint != ViewCheck(encoder, Features(), VIEWS).fingerprint


def test_a_family_without_words_is_not_applicable(encoder, paint):
    assert not ViewCheck(encoder, Features(), VIEWS).score([paint("red", view_family="above")])[0].applicable


def test_the_weakest_trait_counts_and_is_named(encoder, paint):
    check = TraitCheck(encoder, Features(), WORDS)
    good, bad = check.score(
        [
            paint("red", hair="red hair", eyes="red eyes"),
            paint("red", hair="red hair", eyes="blue eyes"),
        ]
    )
    assert good.value > 0
    assert good.why == ""
    assert bad.value < 0
    assert bad.why.startswith("not as asked: eyes -")


def test_what_the_view_hides_is_not_asked(encoder, paint):
    check = TraitCheck(encoder, Features(), WORDS, None, {"behind": ["eyes"]}, {"full body": ["hair"]})
    behind = paint("red", view_family="behind", framing="portrait", hair="red hair", eyes="blue eyes")
    nothing = paint("red", view_family="behind", hair="blue hair", eyes="blue eyes")
    assert check.score([behind])[0].value > 0
    assert not check.score([nothing])[0].applicable


def test_words_outside_the_vocabulary_are_named_not_judged(encoder, paint):
    check = TraitCheck(encoder, Features(), WORDS)
    asked = {"hair": "pale blue hair, ahoge", "marks": "mole", "single": "red"}
    assert check.unreadable(asked) == ["hair: ahoge", "marks: mole", "single: red"]
    assert not check.score([paint("red", marks="mole")])[0].applicable


def test_a_longer_tag_is_read_by_its_ending(encoder, paint):
    check = TraitCheck(encoder, Features(), WORDS)
    assert check.score([paint("blue", hair="pale blue hair")])[0].value > 0
    assert check.score([paint("red", looks="pale blue hair")])[0].value < 0


def test_only_the_given_axes_are_checked(encoder, paint):
    check = TraitCheck(encoder, Features(), WORDS, axes=["hair"])
    assert check.score([paint("red", hair="red hair", eyes="blue eyes")])[0].value > 0


def test_reading_needs_a_lead(encoder, paint):
    words = ["red hair", "blue hair"]
    assert read_axis(encoder, Features(), paint("blue"), words, 1.0)[0] == "blue hair"
    phrase, lead = read_axis(encoder, Features(), paint((120, 0, 130)), words, 5.0)
    assert phrase is None
    assert 0 < lead < 5
    assert read_axis(encoder, Features(), paint("red"), ["red hair"]) == (None, 0.0)


def test_no_pictures_no_answers(encoder):
    assert ViewCheck(encoder, Features(), VIEWS).score([]) == []
    assert TraitCheck(encoder, Features(), WORDS).score([]) == []


@pytest.mark.parametrize("margin", [0.0, -1.0])
def test_several_words_of_one_axis_may_all_be_asked(encoder, paint, margin):
    check = TraitCheck(encoder, Features(), WORDS, slack=margin)
    answer = check.score([paint((180, 180, 0), hair="red hair, green hair")])[0]
    assert answer.value > 0


def test_head_axes_are_read_on_head_crops():
    """A red head on a blue picture reads blue as a whole and red on its head crop."""

    class Colors:
        fingerprint, scale = "colors", 10.0

        def embed(self, images):
            means = np.array([np.asarray(im.convert("RGB"), float).mean(axis=(0, 1)) for im in images])
            return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)

        def embed_words(self, phrases):
            return np.array([{"red": (1, 0, 0), "blue": (0, 0, 1)}[p.split()[0]] for p in phrases], np.float32)

    image = Image.new("RGB", (100, 100), "blue")
    image.paste((255, 0, 0), (30, 30, 70, 70))
    picture = Picture(image, "d", "front", "portrait", {"hair": "red hair"})
    crops = Crops({"portrait": {"head": (0.3, 0.3, 0.7, 0.7)}})
    vocabulary = {"hair": ["red hair", "blue hair"]}
    (whole,) = TraitCheck(Colors(), Features(), vocabulary).score([picture])
    (head,) = TraitCheck(Colors(), Features(), vocabulary, heads=crops).score([picture])
    assert whole.value < 0 < head.value
