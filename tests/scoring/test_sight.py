"""What a picture shows in words, by a tagger and by an encoder of words; and what was asked and is not there."""

import pytest

from scoring.features import Features
from scoring.sight import Sight, SightByClip, SightByTagger
from scoring.tagger import Tagger
from tests.scoring.graphs_made import tagger

RED, GREEN, BLUE = (0.9, 0.1, 0.02), (0.02, 0.9, 0.02), (0.02, 0.02, 0.9)
TAGS = {"red_cape": RED, "waving": BLUE, "from_side": GREEN, ";d": RED, "shirt": BLUE}


def test_a_sight_is_read_back_from_its_text():
    sight = Sight((";d", "red cape"), ("white shirt",))
    assert Sight.read(sight.text) == sight
    assert Sight.read(Sight().text) == Sight() == Sight.read("reads as 'forest'")


def test_a_tagger_says_what_it_sees_and_which_asked_tag_it_does_not(tmp_path, paint):
    read = SightByTagger(Tagger(tagger(tmp_path, TAGS)), Features(), unjudged=("view",))
    asked = {"pose": "waving, flying", "outfit 0": "white shirt", "view": "from side"}
    red, blue = read.score([paint("red", **asked), paint("blue", **asked)])
    assert Sight.read(red.why) == Sight(("red cape", ";d"), ("waving", "white shirt")), "flying is no tag of its"
    assert Sight.read(blue.why) == Sight(("waving", "shirt"))
    assert red.value < 0 < blue.value


@pytest.mark.parametrize("margin", [2.0, 20.0])
def test_words_that_exclude_each_other_are_read_by_their_lead(encoder, paint, margin):
    read = SightByClip(encoder, Features(), {"pose": ("red pose", "blue pose"), "mood": ("red", "green")}, margin)
    asked = {"pose": "red pose", "outfit 0": "green shirt", "outfit 1": "boots"}
    (shown,) = read.score([paint("blue", **asked)])
    sight = Sight.read(shown.why)
    if margin > 10:  # further than words of this encoder ever lead
        assert (sight, shown.value >= 0) == (Sight(), True)
    else:
        assert sight == Sight(("blue pose", "blue shirt"), ("red pose", "green shirt")), "boots have no rivals"
        assert shown.value < 0
