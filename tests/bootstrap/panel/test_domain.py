"""Pictures that a panel does not know are told: by a probe on its encoders' embeddings, or by phrases."""

import numpy as np
import pytest
from PIL import Image

from bootstrap.config import load_panel
from bootstrap.config.panel_settings import DomainSettings
from bootstrap.panel.domain import foreign_pictures, read_probe, write_probe
from bootstrap.panel.models import PanelModels
from scoring.features import Features

RED, BLUE = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")


class Encoder:
    """Red is one direction, blue another; words that speak of photographs are blue."""

    scale = 10.0

    def __init__(self, fingerprint):
        self.fingerprint = fingerprint

    def embed(self, images):
        return np.stack([(1.0, 0.0) if image.getpixel((0, 0))[0] else (0.0, 1.0) for image in images]).astype(
            np.float32
        )

    def embed_words(self, phrases):
        return np.array([(0.0, 1.0) if "photo" in phrase else (1.0, 0.0) for phrase in phrases], np.float32)


def panel_with(**domain):
    return load_panel("puppet").model_copy(update={"domain": DomainSettings(**domain)})


@pytest.fixture
def models():
    return PanelModels(Encoder("a"), Features(None), 0.7, own={"ccip": Encoder("b")})


def test_a_probe_reads_all_its_encoders(models, tmp_path):
    path = tmp_path / "domain.npz"
    panel = panel_with(probe=str(path), scorers=["ccip"], otherwise="something else")
    assert foreign_pictures([RED, BLUE], models, panel) == ["", ""], "no such file"
    write_probe(path, np.array([0.5, -1.0, 0.5, -1.0]), 0.5, ["a", "b"])
    assert foreign_pictures([RED, BLUE], models, panel) == ["", "something else"]
    assert foreign_pictures([], models, panel) == []
    write_probe(path, np.ones(4), -9.0, ["a", "of other weights"])
    assert foreign_pictures([RED, BLUE], models, panel) == ["", ""], "fitted for other encoders"
    path.write_text("damaged")
    assert read_probe(path) is None


def test_phrases_tell_where_another_kind_leads_by_the_margin(models):
    phrases = {"own": ["a drawing", "a sketch"], "foreign": {"a photograph": ["a photo", "a photo of a person"]}}
    assert foreign_pictures([RED, BLUE], models, panel_with(**phrases)) == ["", "a photograph"]
    assert foreign_pictures([RED, BLUE], models, panel_with(**phrases, margin=11.0)) == ["", ""]
    assert foreign_pictures([RED, BLUE], models, panel_with()) == ["", ""]


@pytest.mark.parametrize("name", ["drawn", "photo"])
def test_the_panels_for_real_bases_have_phrases(name):
    domain = load_panel(name).domain
    assert domain.own
    assert domain.foreign
