"""A first character.json says what was read, leaves open what was not, and can be loaded as it is."""

import json

import numpy as np
import pytest
from PIL import Image

from bootstrap.character import load_character
from bootstrap.config import load
from bootstrap.panel.axes import checked_axes
from bootstrap.panel.draft import Draft, Reading, draft_text, read_traits, reader_of
from bootstrap.panel.models import PanelModels
from bootstrap.records import Seed
from scoring.features import Features

CONFIG, SDXL = load("puppet"), load("sdxl")
SEED = Seed("", "", "/some/where/a.png", "front", "front", "", "default", ("pose=", "background=forest"), "read")


def written(tmp_path, **changes):
    readings = [Reading("hair_color", "red hair", 2.5), Reading("tail", "", 0.1), Reading("top", "", 0.0, read=False)]
    draft = Draft("Mika", "mikachr", "puppet", **{"traits": readings, "seeds": [SEED], **changes})
    path = tmp_path / "character.json"
    path.write_text(draft_text(draft, CONFIG))
    return path


def test_the_file_loads_and_holds_what_was_read(tmp_path):
    character = load_character(written(tmp_path))
    assert (character.name, character.trigger, character.base) == ("Mika", "mikachr", "puppet")
    assert character.identity == ("red hair",)
    assert character.seeds[0].file == "a.png"
    assert (character.seeds[0].view, character.seeds[0].tags) == ("front", ("forest",))
    assert character.expressions == CONFIG.subject.axes["expression"].defaults


def test_every_field_is_explained_and_every_gap_is_named(tmp_path):
    data = json.loads(written(tmp_path).read_text())
    fields = [key for key in data if not key.startswith("_")]
    assert all(data[f"_{key}"] for key in fields)
    assert "leads by 2.5" in data["invariant"]["_hair_color"]
    assert "cat tail" in data["invariant"]["_tail"]
    assert "red shirt" in data["outfits"]["default"]["_top"]
    assert "framing" in data["seeds"][0]["_unread"]
    assert "pose (for example standing" in data["seeds"][0]["_unread"]


def test_hair_and_eyes_get_tags_of_their_own_where_a_base_reads_words(tmp_path):
    readings = [Reading("hair_color", "red hair", 2.5), Reading("eye_color", "", 0.1), Reading("skin", "tan", 1.0)]
    assert load_character(written(tmp_path, traits=readings)).unique == {}
    drafted = json.loads(draft_text(Draft("M", "mchr", "sdxl", readings), SDXL))
    assert drafted["unique"] == {"hair_color": "red mchr hair"}
    given = {"invariant": {"hair": "long hair, red hair", "face": "blue eyes, mole"}}
    described = json.loads(draft_text(Draft("M", "mchr", "sdxl", given=given), SDXL))
    assert described["unique"] == {"hair": "red mchr hair", "face": "blue mchr eyes"}


def test_where_nothing_was_read_the_loader_asks_for_a_tag(tmp_path):
    with pytest.raises(Exception, match="invariant has no tag"):
        load_character(written(tmp_path, traits=[]))


def test_only_what_the_panel_reads_well_is_read():
    asked = []

    def reader(images, phrases, *, heads):
        asked.append((phrases[0], heads))
        return phrases[0], 1.0

    found = {reading.axis: reading for reading in read_traits(CONFIG.panel, [], reader)}
    well_read = {*checked_axes(CONFIG.panel, "clip"), *CONFIG.panel.drafted}
    assert {axis for axis, reading in found.items() if reading.read} == well_read
    assert not {"pose", "background", "framing"} & found.keys()
    assert all(heads for _, heads in asked)


def test_an_axis_that_frames_are_not_checked_for_may_be_drafted():
    panel = CONFIG.panel.model_copy(update={"drafted": ("eye_color",)})
    found = read_traits(panel, [], lambda images, phrases, *, heads: (phrases[0] if heads else "", 1.0))
    (eyes,) = (reading for reading in found if reading.axis == "eye_color")
    assert (eyes.word, eyes.read) == (panel.vocabulary["eye_color"][0], True)


WORDS = {"red hair": (1, 0, 0), "blue hair": (0, 0, 1)}


class Colours:
    """Words and pictures as their mean colour."""

    fingerprint, scale = "colours", 20.0

    def embed(self, images):
        return np.stack([self.unit(np.asarray(image, float).mean((0, 1)) + 1e-6) for image in images])

    def embed_words(self, phrases):
        return np.stack([self.unit(np.array(WORDS.get(phrase, (0, 1, 0)), float)) for phrase in phrases])

    @staticmethod
    def unit(row):
        return (row / np.linalg.norm(row)).astype(np.float32)


def test_pictures_of_one_character_are_read_together():
    read = reader_of(PanelModels(Colours(), Features(None), margin=5.0), CONFIG.panel)
    red, purple = Image.new("RGB", (64, 96), "red"), Image.new("RGB", (64, 64), (128, 0, 128))
    phrases = list(WORDS)
    assert read([red], phrases, heads=False)[0] == "red hair"
    assert read([purple], phrases, heads=True)[0] == ""
    assert read([purple, red], phrases, heads=False) == ("red hair", pytest.approx(20.0, abs=0.5))
