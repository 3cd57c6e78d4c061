"""Garments, places and styles as input of a run: words say what they may, and every planned shot has its truth."""

import json

import numpy as np
import pytest

from bootstrap.character import load_character
from bootstrap.config import load
from bootstrap.puppets.captions import VOCABULARY
from bootstrap.puppets.casting_kinds import KINDS, SUBJECTS, WEARERS, cast_kind, main, pictures_of
from bootstrap.shots import Planner, quotas


@pytest.fixture(scope="module", params=KINDS)
def cast(request, tmp_path_factory):
    """A kind, and the folder of an individual of it."""
    folder = tmp_path_factory.mktemp(request.param)
    cast_kind(request.param, 5, folder, "Alder")
    return request.param, folder


def test_it_can_be_read_and_its_seeds_are_told_apart(cast):
    kind, folder = cast
    character = load_character(folder / "character.json")
    assert character.kind == kind
    assert {note.file for note in character.seeds} == {path.name for path in folder.glob("*.png")}
    assert all(note.view and note.framing and note.tags for note in character.seeds)
    assert bool(character.trigger) == (kind != "style")


def test_every_planned_shot_has_a_truth(cast):
    kind, folder = cast
    character = load_character(folder / "character.json")
    config = load("puppet", views=character.views, subject=kind)
    shots = Planner(character, config.views, config.subject).plan(quotas(12, config.views), [])
    drawn = [pictures_of(kind, 5, shot, 24) for shot in shots]
    assert all(one.shape == (24, 24, 3) for several in drawn for one in several)
    if kind == "background":
        assert {len(several) for shot, several in zip(shots, drawn, strict=True) if shot.framing == "section"} == {3}
    other = [pictures_of(kind, 6, shot, 24)[0] for shot in shots]
    assert np.mean([np.abs(a[0].astype(int) - b).mean() for a, b in zip(drawn, other, strict=True)]) > 2


def test_people_are_described_in_the_words_of_the_base():
    assert len(WEARERS) == 8
    for words in (*WEARERS, *SUBJECTS):
        assert set(words.split(", ")) <= set(VOCABULARY)


def test_the_command_makes_the_same_files_again(tmp_path):
    for folder in ("one", "two"):
        main(["outfit", "7", str(tmp_path / folder), "--name", "Birch"])
    files = [{path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("one", "two")]
    assert files[0] == files[1]
    assert json.loads(files[0]["character.json"])["trigger"] == "birchoutfit"
