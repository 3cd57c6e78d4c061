"""Identity in sentences: taken out where the sentence stays one, else told."""

import pytest

from bootstrap.captions.rare import naming_rare
from bootstrap.captions.withholding import left_named, withheld_from
from bootstrap.records import TrainItem
from tests.bootstrap.captions.test_several_tags import caption, wording

IDENTITY = ["red hair", "green eyes", "fox ears"]
SENTENCE = "A girl with red hair smiles at the viewer, standing in a forest at night."


@pytest.mark.parametrize(
    ("text", "without"),
    [
        (SENTENCE, "A girl smiles at the viewer, standing in a forest at night."),
        ("A girl with Red Hair and green eyes smiles at the viewer.", "A girl smiles at the viewer."),
        ("a girl with red hair, green eyes and fox ears, standing in snow", "a girl, standing in snow"),
        ("A girl with long red hair and a sword smiles.", "A girl with a sword smiles."),
        ("a girl with a sword and red hair", "a girl with a sword"),
        ("A red-haired, green-eyed girl smiles.", "A girl smiles."),
        ("She stands here. She has green eyes and red hair.", "She stands here."),
        ("A girl with a red hair ribbon is here.", "A girl with a red hair ribbon is here."),
        ("red hair", "red hair"),
    ],
)
def test_words_are_taken_out_where_the_sentence_stays_one(text, without):
    assert withheld_from(text, IDENTITY) == without


@pytest.mark.parametrize(
    "text", ["Her red hair flows in the wind.", "The girl has red hair and is standing.", "long red hair"]
)
def test_what_cannot_be_taken_out_is_told(text):
    assert withheld_from(text, IDENTITY) == text
    assert left_named(text, IDENTITY) == ["red hair"]


@pytest.mark.parametrize("base", ["puppet", "sd15"])
def test_a_sentence_stays_one_in_captions(tmp_path, base):
    found, _, captioner = caption(tmp_path, SENTENCE, wording(base))
    assert "A girl smiles at the viewer, standing in a forest at night." in found
    assert not any("wearing" in part for part in found)
    found, seed, _ = caption(tmp_path, "mchr, Her red hair flows in the wind.", wording(base))
    assert captioner.left_named(seed) == ["red hair"]


def test_a_person_is_told_by_check(tmp_path, call):
    caption(tmp_path, "Her red hair flows in the wind.", wording())
    (tmp_path / "c.json").write_text('{"name": "M", "trigger": "mchr", "invariant": {"hair": "red hair"}}')
    done = call("check", tmp_path / "s.png", tmp_path / "c.json", "--base", "puppet", "--backend", "fake")
    assert 'names "red hair", which the trigger should mean' in done.out


def test_a_sentence_is_not_named_again_as_rare():
    item, full = TrainItem("a", ("m", "A girl smiles."), "seed"), TrainItem("a", ("m", SENTENCE, "red hair"), "seed")
    kept = TrainItem("b", ("m",), "kept")
    assert naming_rare([item, kept], [full, kept], 1)[0].tags == ("m", "A girl smiles.", "red hair")
