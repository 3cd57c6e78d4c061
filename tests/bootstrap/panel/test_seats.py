"""Who is seated for a panel: the tagger reads instead of CLIP; what compares with the seeds has its own crops."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import RunConfig, load
from bootstrap.dataset.seen_tags import unseen_axes
from bootstrap.errors import BackendError, ConfigError
from bootstrap.panel.color_models import ColorEncoder, fake_panel_models
from bootstrap.panel.judges import judges_for
from bootstrap.panel.models import open_panel_models
from scoring.drawn_faces import DrawnFaces
from scoring.measurement import Picture, digest_of
from scoring.tagger import Tagger
from tests.scoring.graphs_made import ccip, detector, tagger

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
    return Tagger(tagger(tmp_path / "tagger", TAGS), DRAWN.models.tagger.words)


def seated(config=DRAWN, own=(), **models):
    shipped = load("illustrious")
    wording = Wording(CHARACTER, shipped.views, shipped.subject, config.vocabulary)
    return judges_for(
        replace(fake_panel_models(), own=dict.fromkeys(own, ColorEncoder()), **models),
        config,
        wording,
        [shown((200, 20, 20))],
    )


def test_a_tagger_reads_view_traits_framing_and_number(reader):
    judges = seated(tagger=reader, own=("ccip", "dino", "held-out"))
    assert judges.panel.names() == [
        "view",
        "traits",
        "subjects",
        "marks",
        "anatomy",
        "hands",
        "framing",
        "defects",
        "copy",
        "scene",
        "ccip",
        "dino",
        "held-out",
        "seen background",
        "tags",
    ]
    assert judges.panel.names("identity") == ["ccip", "dino"]
    assert judges.held_out == "held-out"
    assert judges.panel.names("caption") == ["seen background", "tags"]


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
    assert unseen_axes(right) == ("background",)  # "city street" is the tagger's "street"; it shows a forest


def test_without_further_encoders_clip_speaks_of_identity():
    assert DRAWN.scorers["clip"].last_resort
    assert seated().panel.names("identity") == ["clip"]
    assert seated(own=["ccip"]).panel.names("identity") == ["ccip"]


def test_who_sits_on_the_puppets_panel():
    puppet = load("puppet")
    wording = Wording(CHARACTER, puppet.views, puppet.subject, puppet.panel.vocabulary)
    models = open_panel_models(puppet.panel, None)
    judges = judges_for(models, puppet.panel, wording, [shown((200, 20, 20))])
    assert judges.panel.names()[:6] == ["view", "traits", "defects", "copy", "scene", "ccip"]
    assert judges.panel.names()[6:] == ["clip", "subjects", "face", "held-out", "seen background", "seen style"]
    assert judges.identity == ["ccip", "clip", "face"]
    assert models.tagger is None
    assert set(models.own) == {"ccip", "held-out"}


def test_phrases_are_read_by_the_tagger_where_it_knows_them_all(reader):
    models = replace(fake_panel_models(), tagger=reader)
    image = Image.new("RGB", (32, 32), (250, 10, 10))
    assert models.read(image, ["red hair", "blue hair"]) == "red hair"
    assert models.read(image, ["red hair", "plaid hair"]) == ""  # the fake CLIP tells no words apart


def test_real_models_of_a_panel_are_opened_from_their_folders(tmp_path):
    tagger(tmp_path / "tagger", TAGS)
    ccip(tmp_path / "ccip")
    panel = load(
        "puppet",
        overrides=[
            f"panel.models.tagger={{model: '{tmp_path / 'tagger'}'}}",
            f"panel.scorers.ccip={{model: '{tmp_path / 'ccip'}', crops: [whole]}}",
            f"panel.models.face.pack={detector(tmp_path / 'faces', [(16, 16, 8, 8, 1.0)])}",
            "panel.scorers.held-out.model=embedded:clip",
        ],
    ).panel
    models = open_panel_models(panel, None)
    assert models.tagger is not None
    assert models.own["held-out"].fingerprint == models.clip.fingerprint
    assert [face.box for face in models.faces.faces(shown((250, 0, 0)))] == [(0.1875, 0.1875, 0.3125, 0.3125)]
    assert np.linalg.norm(models.own["ccip"].embed([shown((9, 9, 9)).image])[0]) == pytest.approx(1)
    reading = open_panel_models(panel, None, comparing=False)
    assert set(reading.own) == set(panel.domain.scorers) == {"ccip"}  # which pictures the panel knows is read, too
    lacking = panel.scorers["ccip"].model_copy(update={"model": str(tmp_path / "none")})
    with pytest.raises(BackendError, match="ccip: no file"):
        open_panel_models(panel.model_copy(update={"scorers": {"ccip": lacking}}), None)


def test_a_view_that_is_no_family_is_refused():
    with pytest.raises(ConfigError, match=r"panel\.scorers\.view\.views: no view family 'frnt'; there are front, "):
        load("illustrious", overrides=["panel.scorers.view.views.frnt={shows: [a]}"])
    with pytest.raises(ConfigError, match=r"panel\.scorers\.face\.families: no view family 'bakc'"):
        load("puppet", overrides=["panel.scorers.face.families=[front, bakc]"])


def test_a_model_that_is_left_out_takes_its_scorers_with_it_or_another_takes_their_place():
    assert load("puppet", overrides=["panel.models.face=none"]).panel.roles.keys().isdisjoint({"face", "subjects"})
    clip_reads = load("illustrious", overrides=["panel.models.tagger=none", "panel.scorers.ccip=none"]).panel.in_use
    assert [(name, one.kind) for name, one in clip_reads.items()] == [
        ("view", "view"),
        ("traits", "traits"),
        ("marks", "marks"),
        ("anatomy", "contrast"),
        ("hands", "contrast"),
        ("defects", "defects"),
        ("copy", "copy"),
        ("scene", "scene"),
        ("dino", "dino"),
        ("held-out", "held-out"),
        ("seen background", "axis"),
        ("tags", "sight"),
    ]
    assert clip_reads["traits"].axes == ("hair_color",)
    alone = ["panel.models.tagger=none", "panel.scorers.ccip=none", "panel.scorers.dino=none"]
    assert load("illustrious", overrides=alone).panel.in_use["clip"].crops == ("head", "body")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("fce={kind: fce}", r"scorers\.fce: no kind of scorer 'fce'; did you mean 'face'"),
        ("nothing={role: check}", r"scorers\.nothing: no kind of scorer 'nothing'; choose one of view, "),
        ("face.min_sze=3", r"scorers\.face\.min_sze: unknown field \(did you mean 'min_size'\?\)"),
        ("face.max_yaw=200", r"scorers\.face\.max_yaw \"200\": input should be less than or equal to 90"),
        ("ccip.model=", r"scorers\.ccip\.model \"\": must not be empty"),
        ("copy=3", r"scorers\.copy \"3\": write named parts"),
        ("clip.role=judge", r"scorers\.clip\.role \"judge\": input should be 'identity'"),
        ("view.otherwise={kind: viw}", r"scorers\.view\.otherwise: no kind of scorer 'viw'; did you mean 'view'"),
    ],
)
def test_a_wrong_scorer_is_named_with_its_path_and_a_hint(setting, message):
    with pytest.raises(ConfigError, match=message):
        load("puppet", overrides=[f"panel.scorers.{setting}"])


def test_all_wrong_scorers_are_named_at_once():
    with pytest.raises(ConfigError) as raised:
        load(
            "puppet",
            overrides=["panel.scorers.copy.mst=1", "panel.scorers.ccip.crops=[hand]", "panel.models.clip=none"],
        )
    for path in ("panel.scorers.copy.mst", "panel.scorers.ccip.crops.0", "panel.models.clip.model"):
        assert path in str(raised.value)


def test_a_panel_is_stored_with_the_settings_of_every_kind_and_read_again():
    for base in ("puppet", "illustrious", "sdxl"):
        config = load(base)
        assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_a_detector_of_drawn_faces_compares_and_counts_them_and_says_where_heads_are(tmp_path, reader):
    wanted = [f"panel.models.face.pack={detector(tmp_path, [(16, 16, 16, 16, 1.0)])}", "panel.scorers.face.min_size=16"]
    panel = load("illustrious", overrides=wanted).panel
    assert panel.in_use.keys() - DRAWN.in_use.keys() == {"face", "faces"}
    models = {"tagger": reader, "faces": DrawnFaces(tmp_path)}
    judges = seated(panel, own=("ccip",), **models)
    assert judges.panel.names("identity") == ["ccip", "face"]
    assert {"subjects", "faces"} < {*judges.panel.names("check")}
    warm, cold = judges.panel.measure([shown((200, 20, 20)), shown((20, 20, 200))])
    assert warm["face"].value == pytest.approx(1)
    assert (warm["faces"].value, warm["ccip"].why) == (0.5, "head cut by its face")
    assert (cold["face"].why, cold["faces"].value, cold["ccip"].why) == ("no face", None, "")
