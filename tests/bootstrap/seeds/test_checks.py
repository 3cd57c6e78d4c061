"""Warnings about seeds before a run: each finding names the picture."""

from pathlib import Path

import numpy as np
from PIL import Image

from bootstrap.character import Character
from bootstrap.seeds.checks import alike, crowds, names_of, seed_warnings
from scoring.faces_found import FoundFace

PLAIN = {"name": "M", "trigger": "mchr", "invariant": {"hair": "blue hair"}}


def noise(seed, size=(128, 128)):
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


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


def test_a_blank_picture_is_said():
    transparent = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
    white = Image.alpha_composite(Image.new("RGBA", transparent.size, "white"), transparent).convert("RGB")
    red, figure = Image.new("RGB", (128, 128), "red"), Image.new("RGB", (128, 128), "red")
    figure.paste("blue", (60, 60, 64, 64))
    seeds = {"white.png": white, "red.png": red, "figure.png": figure, "noise.png": noise(1)}
    said = [line for line in seed_warnings(seeds, 96, 3, Character(**PLAIN)) if "is blank" in line]
    assert [line.split()[0] for line in said] == ['"white.png"', '"red.png"']


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
