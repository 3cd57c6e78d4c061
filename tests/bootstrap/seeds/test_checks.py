"""Warnings about seeds before a run: each finding names the picture."""

from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.character import Character
from bootstrap.pictures import as_rgb
from bootstrap.seeds.checks import alike, crowds, empty_seeds, names_of, seed_warnings
from scoring.faces_found import FoundFace

PLAIN = {"name": "M", "trigger": "mchr", "invariant": {"hair": "blue hair"}}


def noise(seed, size=(128, 128)):
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def test_near_duplicates_are_named_and_others_are_not():
    first = noise(1)
    again = first.resize((100, 100)).resize((140, 140))
    assert alike({"a.png": first, "b.png": again, "c.png": noise(2)}) == [("a.png", "b.png")]
    flat = {name: Image.new("RGB", (99, 99), name) for name in ("red", "blue")}
    assert alike(flat) == []


def test_small_pictures_and_notes_of_nobody_are_said():
    character = Character(**PLAIN, seeds=[{"file": "a.png"}, {"file": "a.png#1"}, {"file": "z.png"}])
    seeds = {"a.png": noise(1, (80, 120)), "b.png": noise(2)}
    small, stranger = seed_warnings(seeds, 96, 3, character)
    assert '"a.png" is 80x120, 16 pixels short of the 96' in small
    assert 'seeds.2.file "z.png"' in stranger
    assert seed_warnings({"a.png": noise(1), "z.png": noise(2)}, 96, 3, character) == []


def drawn(size, ground, *shapes):
    """A picture of boxes (left, top, right, bottom, colour) on a ground."""
    image = Image.new("RGB", size, ground)
    for *box, color in shapes:
        image.paste(color, tuple(box))
    return image


def test_a_picture_in_which_nothing_is_drawn_is_named_with_the_reason():
    grain = np.random.default_rng(1)
    transparent = Image.new("RGBA", (128, 128), (200, 0, 0, 0))
    seeds = {
        "transparent.png": as_rgb(transparent),
        "red.png": Image.new("RGB", (128, 128), "red"),
        "black.png": Image.new("L", (128, 128), 3).convert("RGB"),
        "grain.png": Image.fromarray((128 + grain.normal(0, 4, (128, 128, 3))).astype(np.uint8)),
        "gradient.png": Image.linear_gradient("L").convert("RGB"),
        "line.png": drawn((512, 512), "white", (0, 200, 512, 203, "black")),
        "frame.png": drawn((512, 512), "white", (4, 4, 508, 508, "black"), (7, 7, 505, 505, "white")),
        "spot.png": drawn((512, 512), "white", (250, 250, 262, 262, "black")),
        "noise.png": Image.fromarray(grain.integers(0, 255, (256, 256, 3), np.uint8)),
        "mosaic.png": Image.fromarray(grain.integers(0, 255, (32, 32, 3), np.uint8)).resize((512, 512)),
        "figure.png": drawn((128, 128), "white", (50, 20, 78, 50, "black"), (40, 50, 88, 120, "blue")),
        "far.png": drawn((1024, 1024), "white", (300, 200, 350, 250, "black"), (290, 250, 360, 330, "blue")),
    }
    said = empty_seeds(seeds)
    assert set(seeds) - set(said) == {"figure.png", "far.png"}
    assert {said[name] for name in ("transparent.png", "red.png", "black.png")} == {"is blank"}
    flat = ("grain.png", "gradient.png", "spot.png", "line.png", "frame.png")
    assert all(said[name].startswith("is nearly of one colour") for name in flat)
    assert said["noise.png"] == said["mosaic.png"] == "is noise"


class Faces:
    fingerprint = "faces"

    def look(self, pictures):
        pass

    def faces(self, picture):
        count = 2 if picture.image.width == 200 else 1
        return [FoundFace((0, 0, 1, 1), 40.0, 0.9, 0.0, None)] * count


def test_a_second_character_is_reported():
    (warning,) = crowds({"one.png": noise(1), "two.png": noise(2, (200, 100))}, Faces(), 0.5)
    assert '"two.png" shows 2 faces' in warning


def test_pictures_of_one_name_are_told_apart_by_their_folders():
    assert names_of([Path("a/s.png"), Path("b/s.png"), Path("t.png")]) == ["a/s.png", "b/s.png", "t.png"]
