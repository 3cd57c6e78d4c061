"""Who is seated for a panel: the tagger reads instead of CLIP; what compares with the seeds has its own crops."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.errors import BackendError, ConfigError
from bootstrap.panel.fake import ColorEncoder, fake_eyes
from bootstrap.panel.judges import judges_for, open_eyes
from scoring.base import Picture, digest_of
from scoring.tagger import Tagger
from tests.scoring.graphs_made import ccip, tagger

DRAWN = load("illustrious").panel
HIGH, LOW = (0.9, 0.9, 0.9), (0.1, 0.1, 0.1)
TAGS = {
    "red_hair": (0.9, 0.1, 0.1), "blue_hair": (0.1, 0.1, 0.9), "from_behind": LOW, "full_body": HIGH, "portrait": LOW,
    "street": LOW, "forest": HIGH, "multiple_girls": LOW, "red_eyes": (0.9, 0.1, 0.1), "blue_eyes": (0.1, 0.1, 0.9),
}  # fmt: skip
CHARACTER = Character(name="M", trigger="mchr", invariant={"hair": "red hair", "eyes": "red eyes", "tail": "cat tail"})


def shown(color, **asked):
    image = Image.new("RGB", (64, 64), color)
    return Picture(image, digest_of(image), "front", "full body", asked)


@pytest.fixture
def reader(tmp_path):
    return Tagger(tagger(tmp_path / "tagger", TAGS), DRAWN.tagger.words)


def seated(config=DRAWN, **eyes):
    shipped = load("illustrious")
    wording = Wording(CHARACTER, shipped.views, shipped.subject, config.vocabulary)
    return judges_for(replace(fake_eyes(), **eyes), config, wording, [shown((200, 20, 20))])


def test_a_tagger_reads_view_traits_framing_and_number(reader):
    judges = seated(tagger=reader, ccip=ColorEncoder(), dino=ColorEncoder(), held_out=ColorEncoder())
    assert judges.panel.names() == [
        "view",
        "traits",
        "subjects",
        "framing",
        "defects",
        "copy",
        "ccip",
        "dino",
        "held-out",
    ]
    assert judges.panel.names("identity") == ["ccip", "dino"]
    assert judges.held_out == "held-out"
    assert judges.readers.names() == ["seen background"]


def test_a_tagger_fails_the_wrong_hair_and_the_wrong_framing(reader):
    judges = seated(tagger=reader)
    asked = {"hair_color": "red hair", "eye_color": "red eyes", "framing": "full body", "background": "city street"}
    right, wrong, close = (
        judges.panel.measure([shown(color, **{**asked, "framing": framing})])[0]
        for color, framing in (((250, 20, 20), "full body"), ((20, 20, 250), "full body"), ((250, 20, 20), "portrait"))
    )
    assert not [reason for reason in judges.failures(right) if not reason.startswith(("defects", "copy"))]
    assert any(reason.startswith("traits: not as asked: ") for reason in judges.failures(wrong))
    assert right["framing"].value > 0 > close["framing"].value
    assert right["subjects"].value > 0
    read = judges.readers.measure([shown((250, 20, 20), **asked)])[0]
    assert judges.unseen(read) == ("background",)  # "city street" is the tagger's "street"; it shows a forest


def test_without_further_encoders_clip_speaks_of_identity():
    assert DRAWN.identity_crops == ()
    assert seated().panel.names("identity") == ["clip"]
    assert seated(ccip=ColorEncoder()).panel.names("identity") == ["ccip"]


def test_who_sits_on_the_puppets_panel():
    puppet = load("puppet")
    wording = Wording(CHARACTER, puppet.views, puppet.subject, puppet.panel.vocabulary)
    eyes = open_eyes(puppet.panel, None)
    judges = judges_for(eyes, puppet.panel, wording, [shown((200, 20, 20))])
    assert judges.panel.names() == ["view", "traits", "defects", "copy", "ccip", "clip", "subjects", "face", "held-out"]
    assert judges.identity == ["ccip", "clip", "face"]
    assert (eyes.tagger, eyes.dino) == (None, None)


def test_phrases_are_read_by_the_tagger_where_it_knows_them_all(reader):
    eyes = replace(fake_eyes(), tagger=reader)
    image = Image.new("RGB", (32, 32), (250, 10, 10))
    assert eyes.read(image, ["red hair", "blue hair"]) == "red hair"
    assert eyes.read(image, ["red hair", "plaid hair"]) == ""  # the fake CLIP tells no words apart


def test_real_models_of_a_panel_are_opened_from_their_folders(tmp_path):
    tagger(tmp_path / "tagger", TAGS)
    ccip(tmp_path / "ccip")
    panel = load(
        "puppet",
        overrides=[
            f"panel.tagger={{model: '{tmp_path / 'tagger'}'}}",
            f"panel.ccip={{model: '{tmp_path / 'ccip'}', crops: [whole]}}",
            "panel.held_out=embedded:clip",
        ],
    ).panel
    eyes = open_eyes(panel, None)
    assert eyes.tagger is not None
    assert eyes.ccip is not None
    assert eyes.held_out.fingerprint == eyes.encoder.fingerprint
    assert np.linalg.norm(eyes.ccip.embed([shown((9, 9, 9)).image])[0]) == pytest.approx(1)
    blind = open_eyes(panel, None, comparing=False)
    assert (blind.ccip, blind.held_out) == (None, None)
    broken = panel.model_copy(update={"ccip": panel.ccip.model_copy(update={"model": str(tmp_path / "none")})})
    with pytest.raises(BackendError, match="ccip: no file"):
        open_eyes(broken, None)


def test_a_view_that_is_no_family_is_refused():
    with pytest.raises(ConfigError, match="no view_family 'frnt'"):
        load("illustrious", overrides=["panel.tagger.views.frnt={shows: [a]}"])
    assert load("illustrious", overrides=["panel.tagger=none", "panel.ccip=none"]).panel.tagger.model == ""


def test_faces_and_a_tagger_count_subjects_once(reader):
    class Faces:
        fingerprint = "faces"

        def look(self, pictures):
            """Nothing to find."""

        def faces(self, picture):
            return []

    both = seated(tagger=reader, faces=Faces()).panel
    assert both.names().count("subjects") == 1
    assert both.names("identity") == ["face"]
    assert seated(faces=Faces()).panel.names("check")[-1] == "subjects"
