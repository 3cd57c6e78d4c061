"""Folders of 5, 30 and 100 pictures as people gather them, drawn by the puppets' world and sorted out by its panel."""

import csv
import hashlib
import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.panel import gathered_seeds
from bootstrap.panel.models import PanelModels, open_panel_models
from bootstrap.panel.seed_eyes import PanelEyes
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.render import render
from bootstrap.puppets.scene import sample_shot
from bootstrap.seeds.gathering import sort_out
from bootstrap.seeds.sifting import Sifter
from bootstrap.store.store import Store
from loops.intake import take_in
from loops.intake_many import sifting_notes

CONFIG = load("puppet")
WHO, SIDE = 404, 96


def draw(number, random, **shot):
    return Image.fromarray(render(sample_puppet(number), sample_shot(random, **shot), SIDE).image)


@pytest.fixture(scope="module")
def panel_models():
    return open_panel_models(CONFIG.panel, None)


@pytest.fixture(scope="module")
def drawings():
    """The character's pictures, others', and pairs of both, the character on the left."""
    random, together = np.random.default_rng(1), {"view_family": "front", "framing": "upper body", "background": "room"}
    own = [draw(WHO, random, style="cel shading") for _ in range(20)]
    strangers = [draw(WHO + 1 + number, random) for number in range(4)]
    pairs = []
    for number in (WHO + 8, WHO + 9):
        pair = Image.new("RGB", (2 * SIDE, SIDE))
        pair.paste(draw(WHO, random, **together), (0, 0))
        pair.paste(draw(number, random, **together), (SIDE, 0))
        pairs.append(pair)
    return own, strangers, pairs


def altered(image, number):
    """A near-duplicate, of one of four kinds."""
    kinds = [
        image.resize((SIDE - 15, SIDE - 15)),
        image.crop((3, 3, SIDE - 3, SIDE - 3)),
        image.point(lambda level: round(0.9 * level)),
        image.filter(ImageFilter.UnsharpMask(1, 60)),
    ]
    return kinds[number % 4]


def gathered(folder, drawings, own, repeated, blurred, strangers, pairs, tiny):
    """A folder with so many pictures of each kind, named by it."""
    drawn, others, together = drawings
    folder.mkdir()
    for number in range(own):
        drawn[number].save(folder / f"a{number:02d}.png")
    for number in range(repeated):
        altered(drawn[number % own], number // own).save(folder / f"repeated{number:02d}.jpg", quality=95)
    for number in range(blurred):
        drawn[-1 - number].filter(ImageFilter.GaussianBlur(2)).save(folder / f"blurred{number}.png")
    for number in range(strangers):
        others[number].save(folder / f"stranger{number}.png")
    for number in range(pairs):
        together[number].save(folder / f"pair{number}.png")
    for number in range(tiny):
        drawn[-1 - number].resize((64, 64)).save(folder / f"tiny{number}.png")
    return sorted(folder.iterdir())


KINDS = {5: (4, 1, 0, 0, 0, 0), 30: (17, 4, 2, 3, 2, 2), 100: (20, 67, 3, 4, 2, 4)}


@pytest.mark.parametrize("count", KINDS)
def test_a_folder_is_sorted_out(count, panel_models, drawings, tmp_path):
    pictures = gathered(tmp_path / "given", drawings, *KINDS[count])
    assert len(pictures) == count
    sifter = Sifter(PanelEyes(panel_models, CONFIG.panel), 96, CONFIG.panel.duplicate_bits)
    found = sort_out(pictures, sifter, lambda path: False, lambda path, number: False)
    aside = {one.name: one.sifted.reason for one in found if not one.taken}
    assert len([name for name in aside if name.startswith("a")]) <= 1, "of the character's own one may be lost"
    reasons = {"repeated": "near-duplicate", "blurred": "blurred", "stranger": "somebody else", "tiny": "too small"}
    for kind, reason in reasons.items():
        named = [path.name for path in pictures if path.name.startswith(kind)]
        assert [name for name in named if reason not in aside.get(name, "")] == []
    cropped = [one.name for one in found if "cropped to the character" in one.sifted.remark]
    assert cropped == [path.name for path in pictures if path.name.startswith("pair")]


def test_a_run_takes_them_in_once_and_writes_again_what_was_lost(panel_models, drawings, tmp_path):
    pictures = gathered(tmp_path / "given", drawings, 6, 1, 0, 0, 0, 1)
    before = [path.read_bytes() for path in pictures]
    wording = Wording.of(Character(name="Ada", trigger="adachr", invariant={"hair": "blue hair"}), CONFIG)
    with Store.open(tmp_path / "run", create=True) as store:
        seeds = take_in(store, wording, panel_models, CONFIG, 96, pictures)
        for seed in seeds:
            assert hashlib.sha256((store.directory / seed.path).read_bytes()).hexdigest() == seed.sha256
        (store.directory / seeds[0].path).unlink()
        blind = PanelModels(panel_models.clip, panel_models.features, 1.0)
        assert take_in(store, wording, blind, CONFIG, 96, pictures) == seeds, "nothing is looked at again"
        assert (store.directory / seeds[0].path).is_file()
        assert len(sifting_notes(store)) == 3
    assert [path.read_bytes() for path in pictures] == before
    anchors = [seed for seed in seeds if seed.anchor]
    assert seeds[: len(anchors)] == anchors
    assert len({seed.view_family for seed in anchors}) == min(4, len({seed.view_family for seed in seeds}))


def sheet_of(path, drawn):
    """A sheet with gutters between the drawings."""
    sheet = Image.new("RGB", (20 + 116 * len(drawn), SIDE + 40), "white")
    for place, image in enumerate(drawn):
        sheet.paste(image, (20 + 116 * place, 20))
    sheet.save(path)
    return path


def test_strangers_in_one_sheet_are_set_aside_and_a_turnaround_stays_whole(panel_models, tmp_path):
    random, views = np.random.default_rng(3), ("front", "three-quarter", "profile", "behind")
    own = [draw(WHO, random, view_family=view, background="room") for view in views]
    others = [draw(WHO + 1 + n, random, view_family="front", background="room") for n in range(2)]
    for drawn, expected in ((own, ""), ([*own, *others], "comic.png#5, comic.png#6")):
        path = sheet_of(tmp_path / "comic.png", drawn)
        sifter = Sifter(PanelEyes(panel_models, CONFIG.panel), SIDE, CONFIG.panel.duplicate_bits, few=True)
        found = sort_out([path], sifter, lambda path: False, lambda path, number: False)
        assert len(found) == len(drawn)
        assert ", ".join(one.name for one in found if "somebody else" in one.sifted.reason) == expected


def test_of_a_sheet_four_figures_anchor_and_the_others_train(many, call, tmp_path):
    drawn = []
    for number, color in enumerate(COLORS):
        drawn.append(Image.new("RGB", (SIDE, SIDE), color))
        drawn[-1].paste("black", (8 * number, 20, 8 * number + 20, 60))
    sheet = sheet_of(tmp_path / "sheet.png", drawn)
    said = call("check", sheet, *many[1:])
    assert (said.code, said.out.count("anchor     sheet"), said.out.count("trains     sheet")) == (0, 4, 2)
    assert '"sheet.png#6" each may show somebody else' in said.out


COLORS = [(215, 60, 40), (205, 70, 60), (225, 50, 30), (200, 60, 90), (215, 80, 20), (190, 50, 50)]


@pytest.fixture
def many(tiny, tmp_path):
    """The arguments of a tiny run from six pictures, one of them blank and one broken, without --out."""
    folder = tmp_path / "given"
    folder.mkdir()
    for number, color in enumerate(COLORS):
        image = Image.new("RGB", (128, 128), color)
        image.paste("white", (10 * number, 5, 10 * number + 30, 20 + 15 * number))
        image.save(folder / f"{number}.png")
    Image.new("RGB", (128, 128), "red").save(folder / "blank.png")
    (folder / "broken.png").write_bytes((folder / "0.png").read_bytes()[:90])
    character = json.loads((tmp_path / "character.json").read_text())
    views = ["front", "profile-left", "behind", "above", "front", "below"]
    notes = [{"file": f"{n}.png", "view": view, "framing": "upper body"} for n, view in enumerate(views)]
    (tmp_path / "character.json").write_text(json.dumps({**character, "seeds": notes}))
    return [str(folder), *tiny[1:]]


def test_beyond_as_many_as_are_taken_the_rest_is_named_in_one_line(many, call, monkeypatch):
    monkeypatch.setattr(gathered_seeds, "MOST_PICTURES", 4)
    said = call("check", *many)
    assert said.code == 0, said.err
    assert '"4.png", "5.png" are set aside: each is beyond' in said.out


def test_check_says_what_becomes_of_each_and_the_run_does_it(many, call, tmp_path):
    said = call("check", *many)
    assert said.code == 0, said.err
    assert '"blank.png" is set aside: it is blank' in said.out
    assert '"broken.png" is set aside: it is no picture that can be read' in said.out
    for name, kind in (("0", "anchor"), ("1", "anchor"), ("2", "anchor"), ("3", "anchor"), ("4", "trains")):
        assert f"{kind:<10} {name}.png" in said.out
    done = call("run", *many, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    with Store.open(tmp_path / "run", exclusive=False) as store:
        assert [seed.anchor for seed in store.seeds()] == [True, True, True, True, False, False]
    with (tmp_path / "run" / "dataset" / "provenance.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    aside = {row["made_from"]: row for row in rows if row["origin"] == "set aside"}
    assert aside.keys() == {"blank.png", "broken.png"}
    assert aside["blank.png"]["sha256"] == hashlib.sha256((tmp_path / "given" / "blank.png").read_bytes()).hexdigest()
    assert (aside["blank.png"]["reasons"], aside["blank.png"]["training_weight"]) == ("is blank", "0")
    weights = {row["made_from"]: float(row["training_weight"]) for row in rows if row["origin"] == "seed"}
    assert weights["4.png"] == weights["5.png"] == 1, "what only trains weighs as much as a kept frame"
    assert {row["made_from"] for row in rows if row["origin"] in ("crop", "altered")} == {f"{n}.png" for n in range(4)}
