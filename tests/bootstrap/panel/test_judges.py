"""What the panel's answers mean for the loop: failures, captions, decoys."""

from dataclasses import replace

import pytest
from PIL import Image

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.seen_tags import unseen_axes
from bootstrap.panel.color_models import fake_panel_models
from bootstrap.panel.judges import judges_for
from bootstrap.records import Frame, Job, JobKind, Shot
from scoring.measurement import Measurement, Picture, digest_of
from scoring.panel import Panel, Seat

CONFIG = load(
    "puppet", backend="fake", overrides=["panel.scorers.seen background={kind: axis, role: caption, axis: background}"]
)
CHARACTER = Character(name="M", trigger="mchr", invariant={"hair": "red hair"})
SHOT = Shot(
    "front",
    "front",
    "portrait",
    {"expression": "smile", "pose": "standing", "outfit": "default", "background": "forest", "style": "cel shading"},
)


@pytest.fixture
def judges():
    image = Image.new("RGB", (96, 96), (200, 50, 50))
    image.paste((10, 200, 10), (0, 0, 40, 40))
    seed = Picture(image, digest_of(image), "front", "portrait")
    return judges_for(fake_panel_models(), CONFIG.panel, Wording.of(CHARACTER, CONFIG), [seed])


def frame(kind):
    return Frame(Job("f", kind, 1, 1, SHOT, "", "", 1, {}), "f.png", "d", "a")


def answers(**values):
    return {name.replace("_", " "): Measurement(value, "why") for name, value in values.items()}


def test_only_the_configured_axes_may_drop_a_tag(judges):
    assert judges.panel.names("caption") == ["seen background"]
    assert unseen_axes(answers(seen_background=-0.1)) == ("background",)
    assert unseen_axes(answers(seen_background=0.1, view=-1.0)) == ()


def test_a_check_fails_below_zero_and_traits_below_what_the_base_allows(judges):
    assert judges.failures(answers(view=-1.0, clip=-1.0)) == ["view: why"]
    assert judges.failures(answers(traits=-1.0))
    assert not judges.failures(answers(traits=-1.0), traits_at=-2.0)


def test_a_lookalike_shows_the_traits_and_an_exchanged_decoy_does_not(judges):
    shown, other = answers(traits=1.0, view=1.0), answers(traits=-3.0, view=1.0)
    assert judges.usable_decoy(frame(JobKind.LOOKALIKE), shown)
    assert not judges.usable_decoy(frame(JobKind.LOOKALIKE), other)
    assert judges.usable_decoy(frame(JobKind.EXCHANGED), other)
    assert not judges.usable_decoy(frame(JobKind.EXCHANGED), shown)
    assert not judges.usable_decoy(frame(JobKind.EXCHANGED), {**other, **answers(view=-1.0)})


def test_quality_is_the_mean_of_its_scorers_or_the_fault_that_one_finds_and_rejects_nothing(judges):
    class Beauty:
        fingerprint = "beauty"

        def __init__(self, name):
            self.name = name

    panel = Panel([Seat(Beauty("light"), "quality"), Seat(Beauty("line"), "quality")])
    measuring = replace(judges, panel=panel)
    assert measuring.quality(answers(light=1.0, line=3.0, view=9.0)) == 2.0
    assert measuring.quality(answers(light=-1.0, line=3.0, view=9.0)) == -1.0
    assert measuring.quality({"light": Measurement(None, "too dark"), **answers(line=3.0)}) == 3.0
    assert measuring.failures(answers(light=-1.0)) == []
    assert judges.quality(answers(view=1.0)) == 0.0


def test_not_applicable_fails_nothing(judges):
    assert judges.failures({"view": Measurement(None, "no words"), "traits": Measurement(None, "hidden")}) == []


def test_heads_are_cut_by_composition_unless_the_panel_says_by_the_face():
    class Faces:
        fingerprint = "faces"

    models, panel = replace(fake_panel_models(), faces=Faces()), CONFIG.panel
    by_face = panel.model_copy(update={"heads": "face"})
    assert models.crops(panel).fingerprint == fake_panel_models().crops(by_face).fingerprint
    assert "faces" in models.crops(by_face).fingerprint
