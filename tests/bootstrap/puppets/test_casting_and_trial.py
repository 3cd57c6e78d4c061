"""Puppets as characters, and the judging of finished runs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bootstrap.character import load_character
from bootstrap.puppets.anatomy import sample_puppet, twin
from bootstrap.puppets.casting import ANGLES, cast, character_of, shot_of
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import ALL_VIEW_FAMILIES
from bootstrap.puppets.trial import judge_view_family
from bootstrap.records import Frame, Job, JobKind, Shot

CHARACTERS = Path(__file__).parents[3] / "configs" / "characters"


def test_a_cast_puppet_is_a_valid_character_with_its_seeds(tmp_path):
    cast(7, tmp_path, "Fay", ("front", "behind"))
    character = load_character(tmp_path / "character.json")
    named = sample_puppet(7).named
    assert f"{named.hair_color} hair" in character.identity
    assert [note.view for note in character.seeds] == ["front", "behind"]
    assert "smile" not in character.seeds[1].tags
    with Image.open(tmp_path / "behind.png") as picture:
        assert picture.size == (512, 512)


def test_twins_are_written_alike():
    first = sample_puppet(7)
    assert character_of(first, "Fay") == character_of(twin(first, 8), "Fay")


@pytest.mark.parametrize(("name", "number", "file", "view", "framing"), [
    ("ruby", 341, "seed.png", "front", "upper body"),
    ("nox", 333, "behind.png", "behind", "full body"),
])  # fmt: skip
def test_the_example_characters_are_puppets_anyone_can_draw_again(name, number, file, view, framing):
    with Image.open(CHARACTERS / name / file) as picture:
        drawn = np.asarray(picture.convert("RGB")).astype(int)
    background = "room" if view == "behind" else "simple background"
    again = render(sample_puppet(number), shot_of(view, framing, background=background), 512).image
    assert np.abs(drawn - again).mean() < 2


def test_every_view_lies_in_its_family():
    assert {shot_of(view).view_family for view in ANGLES} == set(ALL_VIEW_FAMILIES)
    assert shot_of("profile-left").yaw < 0 < shot_of("profile-right").yaw


def frame(kind, number, round=1):
    shot = Shot(
        "front",
        "front",
        "portrait",
        {"expression": "smile", "pose": "standing", "outfit": "default", "background": "sky", "style": "cel shading"},
    )
    return Frame(Job(f"{kind}-{number}", kind, round, 1, shot, "", "", 1, {}), "", "", "")


def test_a_frame_is_true_when_it_beats_99_of_100_lookalikes():
    lookalikes = [(frame(JobKind.LOOKALIKE, n), n / 100) for n in range(100)]
    candidates = [(frame(JobKind.CANDIDATE, 1), 0.5), (frame(JobKind.CANDIDATE, 2, 2), 0.995)]
    trial = judge_view_family("front", lookalikes + candidates, {"candidate-1", "candidate-2"})
    assert (trial.kept, trial.kept_true, trial.candidates_true) == (2, 1, 1)
    assert trial.likeness == {1: 0.5, 2: 0.995}
