"""Captions name what is seen, in words that a tokenizer has, and never an unnamed trait."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bootstrap.puppets.anatomy import PuppetOutfit, sample_puppet, twin
from bootstrap.puppets.captions import VOCABULARY, caption, tags, words
from bootstrap.puppets.scene import sample_shot


def test_twins_have_equal_captions() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        puppet, shot = sample_puppet(seed), sample_shot(rng)
        assert caption(twin(puppet, 900 + seed), shot) == caption(puppet, shot)


def test_every_phrase_and_word_is_in_the_vocabulary() -> None:
    rng = np.random.default_rng(1)
    phrases, single = set(VOCABULARY), set(words())
    for number in range(300):
        text = caption(sample_puppet(number), sample_shot(rng))
        assert set(text.split(", ")) <= phrases
        assert set(text.replace(",", "").split()) <= single


def test_booru_order_of_a_complete_caption() -> None:
    puppet = sample_puppet(0)
    outfits = (PuppetOutfit("blue", "sweater", "white", "skirt"), *puppet.named.outfits[1:])
    named = replace(
        puppet.named,
        hair_color="pink",
        hair_style="twintails",
        eye_color="green",
        ears="cat ears",
        hat="red beret",
        accessory="glasses",
        skin="tan",
        tail="cat tail",
        outfits=outfits,
    )
    shot = sample_shot(
        np.random.default_rng(0),
        view_family="three-quarter",
        yaw=40.0,
        framing="full body",
        expression="smile",
        pose="walking",
        outfit=0,
        background="forest",
        style="sketch",
    )
    assert caption(replace(puppet, named=named), shot) == (
        "1girl, solo, pink hair, twintails, green eyes, cat ears, red beret, glasses, tan, cat tail, blue sweater, "
        "white skirt, three-quarter view, facing right, full body, smile, walking, forest, sketch"
    )


@pytest.mark.parametrize(
    ("fixed", "axis"),
    [
        ({"view_family": "behind"}, "eye_color"),
        ({"view_family": "behind"}, "expression"),
        ({"expression": "closed eyes", "view_family": "front"}, "eye_color"),
        ({"framing": "portrait"}, "bottom"),
        ({"framing": "close-up"}, "tail"),
        ({"framing": "close-up", "pose": "sitting"}, "pose"),
    ],
)
def test_a_caption_names_nothing_hidden(fixed: dict[str, str], axis: str) -> None:
    puppet = sample_puppet(5)
    outfits = (PuppetOutfit("blue", "sweater", "white", "skirt"),) * 3
    puppet = replace(puppet, named=replace(puppet.named, tail="fox tail", outfits=outfits))
    shot = sample_shot(np.random.default_rng(2), **fixed)
    hidden = tags(puppet, shot)[axis]
    assert hidden
    assert hidden not in caption(puppet, shot).split(", ")


def test_drops_are_rare_and_seeded() -> None:
    puppet, shot = sample_puppet(8), sample_shot(np.random.default_rng(3), view_family="front")
    complete = caption(puppet, shot).split(", ")
    lengths = [len(caption(puppet, shot, np.random.default_rng(k)).split(", ")) for k in range(400)]
    assert 0.86 < np.mean(lengths) / len(complete) < 0.97
    assert caption(puppet, shot, np.random.default_rng(1)) == caption(puppet, shot, np.random.default_rng(1))
