"""Clothes of one outfit on pictures that ask for another: read by the panel, held against the base, said in words."""

import numpy as np
import pytest
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.compare.bleed import BleedCheck, bleeding
from bootstrap.compare.trial_shots import KNOWN, NEVER_WORN, trials_for
from bootstrap.config import load
from bootstrap.panel.models import PanelModels
from scoring.features import Features
from scoring.measurement import Picture, digest_of
from scoring.tagger import Tagger
from tests.scoring.graphs_made import tagger

CONFIG = load("puppet")
COLORS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}
WORDS = {"top": ("red shirt", "green shirt", "blue shirt"), "bottom": ("red skirt", "green skirt", "blue skirt")}
ZETA = Character.model_validate({
    "name": "Zeta", "trigger": "zetachr", "invariant": {"hair": "red hair"},
    "outfits": {"default": {"tags": "blue shirt, green skirt"}, "night": {"tags": "red shirt", "trigger": "zetanight"}},
})  # fmt: skip


class Colors:
    """Sees the mean colour of a picture, and reads words that name it."""

    fingerprint, scale = "colors", 10.0

    def embed(self, images):
        return np.stack([np.asarray(image, np.float32).mean(axis=(0, 1)) / 255 for image in images])

    def embed_words(self, phrases):
        return np.array([[float(name in phrase) for name in COLORS] for phrase in phrases], np.float32)


def check_for(character=ZETA, words=WORDS, reader=None):
    wording = Wording(character, CONFIG.views, CONFIG.subject, words)
    return BleedCheck(PanelModels(Colors(), Features(), 0.0, tagger=reader), wording)


def shows(check, color, framing="full body", **asked):
    image = Image.new("RGB", (32, 32), COLORS.get(color, color))
    return check.score([Picture(image, digest_of(image), "front", framing, asked)])[0]


def test_a_garment_of_another_outfit_is_named_where_the_framing_can_show_it():
    check = check_for()
    assert shows(check, "red", top="blue shirt", bottom="green skirt").why == "red shirt"
    assert shows(check, "blue", top="blue shirt", bottom="green skirt").value == 0
    assert shows(check, "green", top="red shirt").why == "green skirt"
    assert shows(check, "green", "portrait", top="red shirt").value == 0
    assert shows(check, "red", top="red shirt").value == 0


def test_nothing_is_known_of_a_wardrobe_of_one():
    alone = ZETA.model_copy(update={"outfits": {"default": ZETA.outfits["default"]}})
    assert not shows(check_for(alone), "red", top="blue shirt", bottom="green skirt").applicable
    assert shows(check_for(alone), "blue", top="red shirt").why == "blue shirt", "an unseen outfit"


def test_garments_of_no_axis_are_read_by_their_tags_or_as_a_whole(tmp_path):
    asked = {"outfit 0": "blue shirt", "outfit 1": "green skirt"}
    assert shows(check_for(words={}), "red", **asked).why == "red shirt"
    reader = Tagger(tagger(tmp_path / "tagger", {"red_shirt": (0.9, 0.1, 0.1), "blue_shirt": (0.1, 0.1, 0.9)}))
    check = check_for(words={}, reader=reader)
    assert check.fingerprint != check_for(words={}).fingerprint
    assert shows(check, "red", **asked).why == "red shirt"
    assert shows(check, "green", **asked).value == 0


def test_what_the_base_shows_as_often_is_no_bleed():
    worn = [("night", "blue shirt")] * 5 + [("night", "")] * 3 + [("default", "")] * 8 + [("night", None)]
    (found,) = bleeding(worn, [("night", "")] * 8, {})
    assert found.found
    assert found.text == (
        'clothes of other outfits turn up on outfit "night": on 5 of 8 pictures (blue shirt 5), '
        "by the base from words on 0 of 8"
    )
    (apart,) = bleeding(worn, worn, {})
    assert not apart.found
    assert "on 5 of 16 pictures" in apart.text
    assert bleeding([("night", None)], [("night", None)], {}) == []


def test_clothes_that_stay_on_an_unseen_outfit_are_told_of_one_outfit_too():
    names = {NEVER_WORN: "an unseen outfit (green dress)"}
    (found,) = bleeding([(NEVER_WORN, "blue shirt")] * 6, [(NEVER_WORN, "")] * 6, names)
    assert "turn up on an unseen outfit (green dress)" in found.text
    assert bleeding([(NEVER_WORN, "")] * 6, [(NEVER_WORN, "")] * 6, names) == []


@pytest.mark.parametrize("each", [1, 2])
def test_every_outfit_is_tried_in_a_framing_that_shows_it_whole(each):
    trials = trials_for(ZETA, CONFIG, each)
    known = [shot for shot, test in zip(trials.shots, trials.tests, strict=True) if test == KNOWN]
    for outfit in ZETA.outfits:
        wide = [shot for shot in known if shot["outfit"] == outfit and shot.framing == "full body"]
        assert len(wide) >= each + 1
        assert len({shot.key for shot in wide}) == len(wide)
    alone = trials_for(ZETA.model_copy(update={"outfits": {}}), CONFIG, each)
    assert alone.tests.count(KNOWN) == 6 * each
