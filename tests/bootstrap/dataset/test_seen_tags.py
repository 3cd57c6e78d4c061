"""Captions of generated frames say what is seen: by what a panel's reader of words measured."""

from pathlib import Path

import pytest

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.generated import GeneratedFrames
from bootstrap.dataset.seen_tags import SeenTags
from bootstrap.records import Frame, Job, JobKind, Shot
from scoring.measurement import Measurement
from scoring.sight import Sight

MIKA = Character.model_validate({
    "name": "Mika", "trigger": "mikachr", "core": "1girl, solo", "invariant": {"hair": "blue hair"},
    "outfits": {"default": {"tags": "white shirt, boots"}},
})  # fmt: skip
DRAWN = load("illustrious")
BY_CLIP = load("illustrious", overrides=["panel.models.tagger=none"])
SEEN = (
    "smile", "Hatsune Miku", "blue hair", "long hair", "2girls", "sitting", "shirt", "hat", "indoors", "from behind",
    "looking_at_viewer", "rose", "open mouth", "sword", "lamp",
)  # fmt: skip


def frames(count=4, pose="waving"):
    axes = {"expression": "smile", "pose": pose, "outfit": "default", "background": "forest"}
    found = []
    for number in range(count):
        shot = Shot("front", "front", "full body", axes)
        job = Job(f"f{number}", JobKind.CANDIDATE, 1, 0, shot, "", "", number, {})
        found.append(Frame(job, f"{number}.png", str(number), ""))
    return found


def captions(sights, config=DRAWN, phase="character", written=None):
    made = frames(len(sights))
    measured = {frame.job.id: {"tags": Measurement(0.0, sight.text)} for frame, sight in zip(made, sights, strict=True)}
    items = GeneratedFrames(Path("run"), made, (), measured, written or {}).items(
        config, Wording.of(MIKA, config), phase
    )
    return [item.tags for item in items]


def test_what_is_seen_is_said_and_what_is_not_seen_is_dropped():
    plain, seen, *_ = captions([Sight(), Sight(SEEN, ("waving", "boots")), Sight(), Sight()])
    assert {"waving", "boots", "forest"} <= set(plain)
    added = [tag for tag in seen if tag not in plain]
    assert added == ["sitting", "hat", "looking at viewer"], "up to 11 tags, the surest first"
    assert {"waving", "boots"}.isdisjoint(seen)
    assert len(seen) == 11


def test_identity_is_named_by_phase_and_a_person_has_the_last_word():
    seen = [Sight(SEEN)] + [Sight()] * 3
    assert "blue hair" in captions(seen, phase="style")[0]
    assert "long hair" not in captions(seen, phase="style")[0]
    mine, *_ = captions(seen, written={"f0": "a rose"})
    assert mine == ("mikachr", "a rose")


def test_what_nearly_every_frame_shows_is_left_to_the_trigger():
    every = captions([Sight(("hat", "rose")), Sight(("hat",)), Sight(("hat",)), Sight(("hat",))])
    assert [("hat" in tags, "rose" in tags) for tags in every] == [(False, True)] + [(False, False)] * 3


@pytest.mark.parametrize(("config", "dropped"), [(DRAWN, True), (BY_CLIP, False)], ids=["tagger", "clip"])
def test_clip_is_not_believed_about_a_word_that_most_frames_seem_to_lack(config, dropped):
    every = captions([Sight((), ("waving",))] * 3 + [Sight()], config)
    assert ["waving" not in tags for tags in every] == [dropped] * 3 + [False]


def test_a_panel_that_reads_no_words_says_what_was_asked():
    puppet = load("puppet")
    made, wording = frames(1), Wording.of(MIKA, puppet)
    seen = SeenTags(made, {"f0": {"tags": Measurement(-1.0, Sight(SEEN, ("waving",)).text)}}, puppet, wording)
    assert seen.caption(made[0], "character") == wording.caption(made[0].job.shot, "character")
