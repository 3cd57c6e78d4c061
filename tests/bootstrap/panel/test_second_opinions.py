"""What a panel reads to tell a reader's errors: by its probe of traits, by its tagger, by neither where it has none."""

import hashlib
import re

import numpy as np
import pytest
from PIL import Image

from bootstrap.config import load, load_panel
from bootstrap.config.panel_settings import TraitProbeSettings
from bootstrap.panel.models import PanelModels, open_panel_models
from bootstrap.panel.second_opinions import second_opinions
from bootstrap.panel.trait_probe import FILE, AxisProbe, TraitProbe, read_trait_probe
from bootstrap.puppets import shipped
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.captions import tags
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.puppets.train import train_traits
from bootstrap.puppets.train.train_options import TrainOptions
from bootstrap.readers.axis_reading import AxisReading
from scoring.features import Features


@pytest.fixture(scope="module")
def models():
    return open_panel_models(load_panel("puppet"), None, comparing=False)


def test_the_shipped_probe_reads_hair_styles_hats_and_clothes(models):
    read, lines = [], (shipped.traits_dir() / "README.md").read_text()
    digest = hashlib.sha256((shipped.traits_dir() / FILE).read_bytes()).hexdigest()
    assert re.search(r"sha256 (\w+)", lines)[1] == digest
    for number in range(901_000, 901_004):
        puppet = sample_puppet(number)
        shot = sample_shot(
            np.random.default_rng(1), view_family="front", expression="neutral expression", framing="full body"
        )
        image, truth = Image.fromarray(render(puppet, shot).image), tags(puppet, shot)
        opinions = second_opinions([image], models, load_panel("puppet"))
        for axis in ("hair_style", "skin", "top", "bottom", "hair_color"):
            if truth[axis]:
                read.append(not opinions[axis].instead_of([truth[axis]]))
                wrong = [word for word in opinions[axis].scores if word != truth[axis]]
                read.append(np.mean([bool(opinions[axis].instead_of([word])) for word in wrong]) > 0.5)
    assert np.mean(read) > 0.85


def test_it_is_fitted_again_for_the_encoders_of_the_panel(models, tmp_path, monkeypatch):
    monkeypatch.setattr(train_traits, "open_panel_models", lambda panel, cache, **more: models)
    monkeypatch.setattr(train_traits, "MOST_STEPS", 2)
    monkeypatch.setattr(train_traits, "AXES", ("skin", "hat"))
    train_traits.train(TrainOptions(out=tmp_path, steps=2))
    again, once = read_trait_probe(tmp_path / FILE), read_trait_probe(shipped.traits_dir() / FILE)
    assert again.fingerprints == once.fingerprints
    assert {axis: (one.words, one.weights.shape) for axis, one in again.axes.items()} == {
        axis: (once.axes[axis].words, once.axes[axis].weights.shape) for axis in ("skin", "hat")
    }
    panel = load_panel("puppet").model_copy(update={"trait_probe": TraitProbeSettings(file=str(tmp_path / FILE))})
    assert second_opinions([Image.new("RGB", (96, 96))], models, panel) == {}, "fitted with another encoder beside"
    (tmp_path / FILE).write_text("damaged")
    assert read_trait_probe(tmp_path / FILE) is None


class Red:
    """Every picture, and the first word, is one direction."""

    fingerprint, scale = "red", 4.0

    def embed(self, images):
        return np.tile(np.float32([1, 0]), (len(images), 1))

    def embed_words(self, phrases):
        return np.float32([(1, 0), *[(0, 1)] * (len(phrases) - 1)])


def test_words_share_the_columns_of_their_parts_and_what_clip_says(tmp_path):
    words = ("blue cap", "blue hat", "red cap")
    weights = np.zeros((7, 5), np.float32)
    weights[-1] = [0, 1, 0, 0, 0]  # nothing, blue, cap, hat, red
    TraitProbe({"hat": AxisProbe(words, weights, np.float32([1, 0, 0]), 2.0)}, ("red",)).write(tmp_path / FILE)
    panel = load_panel("puppet").model_copy(update={"trait_probe": TraitProbeSettings(file=str(tmp_path / FILE))})
    reading = second_opinions([Image.new("RGB", (96, 96))] * 2, PanelModels(Red(), Features(None), 0.7), panel)["hat"]
    assert reading.word == "blue cap"
    assert reading.instead_of(["red cap"]) == reading.instead_of(["blue hat"]) == "blue cap"
    assert reading.instead_of(["blue cap"]) == ""
    lead = reading.scores["blue cap"] - reading.scores["red cap"]
    assert 2 * 4 < lead < 2 * 5, "of both pictures; nothing seen is a little likely too"


class Tags:
    """Knows a few tags; every picture has the log-odds of ``seen``."""

    def __init__(self, **seen):
        self.seen = {name.replace("_", " "): odds for name, odds in seen.items()}
        self.general = list(self.seen)

    def embed(self, images):
        return np.tile(np.float32(list(self.seen.values())), (len(images), 1))

    def knows(self, word):
        return word in self.seen

    def places(self, words):
        return [self.general.index(word) for word in words if word in self.general]


def test_a_tagger_reads_further_words_and_the_colours_of_what_is_worn():
    tagger = Tags(cat_tail=-6.0, fox_tail=3.0, blue_skirt=2.0, red_skirt=1.0, white_skirt=-4.0, skirt=4.0, pants=-5.0)
    panel = load("illustrious").panel
    found = second_opinions([Image.new("RGB", (64, 64))], PanelModels(Red(), Features(None), 0.7, tagger=tagger), panel)
    assert found["tail"].instead_of(["cat tail"]) == "fox tail"
    assert found["bottom"].instead_of(["pants"]) == "skirt"
    assert found["colour of skirt"].instead_of(["white skirt"]) == "blue skirt"
    assert found["colour of skirt"].instead_of(["red skirt"]) == "", "it may be both"
    assert not second_opinions([], PanelModels(Red(), Features(None), 0.7, tagger=tagger), panel)


def test_a_reading_is_believed_where_it_leads_and_is_likely_itself():
    reading = AxisReading({"cap": 1.0, "hat": 0.0, "hood": -3.0}, 2.0, least=0.0)
    assert (reading.word, reading.instead_of(["hood"]), reading.instead_of(["hat"])) == ("", "cap", "")
    assert reading.instead_of(["hood", "hat"]) == "", "one of them is likely"
    assert AxisReading({"cap": -1.0, "hood": -9.0}, 2.0, least=0.0).instead_of(["hood"]) == ""
    assert AxisReading({"cap": 3.0, "hood": 0.0}, 2.0).instead_of(["helmet"]) == "cap"
