"""Repairs: what is proposed, copies that differ in their regions alone, the command, and the base that paints over."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from bootstrap.backends.loaded import LoadedBase
from bootstrap.backends.painting_over import painted_over
from bootstrap.config import embedded, load
from bootstrap.dataset.provenance import read_provenance
from bootstrap.pictures import open_picture
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.casting import shot_of
from bootstrap.puppets.render import render
from bootstrap.retouch.repairs import Repair, proposed_repairs, repaired
from scoring.marks import edge_lettering


@pytest.fixture(scope="module")
def puppet():
    return Image.fromarray(render(sample_puppet(344), shot_of("front", "upper body", background="forest"), 512).image)


@pytest.fixture(scope="module")
def written(puppet):
    image = puppet.copy()
    ImageDraw.Draw(image).text((20, 470), "www.example.com", "white", font=ImageFont.load_default(24))
    return image


def test_lettering_is_proposed_and_covered_and_nothing_else_changes(puppet, written):
    assert [one for one in proposed_repairs(puppet) if one.edit == "cover"] == []
    (cover,) = [one for one in proposed_repairs(written) if one.edit == "cover"]
    assert cover.why == "lettering at the lower left"
    made = repaired(written, [cover])
    assert edge_lettering(made) is None
    left, top, right, bottom = (round(edge * 512) for edge in cover.box)
    outside = np.ones((512, 512), bool)
    outside[top:bottom, left:right] = False
    assert np.array_equal(np.asarray(made)[outside], np.asarray(written)[outside])


def test_bars_and_plain_ground_are_cropped(puppet):
    framed = Image.new("RGB", (512, 712), "black")
    framed.paste(puppet, (0, 100))
    (crop,) = proposed_repairs(framed)
    assert crop.edit == "crop"
    assert abs(repaired(framed, [crop]).height - 512) <= 4


@pytest.mark.filterwarnings("ignore")  # of diffusers' schedulers
def test_the_base_draws_a_region_anew_and_no_pixel_outside_of_it(puppet):
    config = load("puppet", overrides=["base.sampling.steps=3"]).base
    base = LoadedBase(embedded(config.path), config.sampling, "cpu")
    spoilt, box = puppet.copy(), (0.6, 0.1, 0.9, 0.4)
    spoilt.paste((255, 0, 255), [round(edge * 512) for edge in box])
    made, again = (np.asarray(painted_over(base, spoilt, box, "forest", "text")) for _ in range(2))
    left, top, right, bottom = (round(edge * 512) for edge in box)
    assert (made != np.asarray(spoilt))[top + 9 : bottom - 9, left + 9 : right - 9].any(axis=2).mean() > 0.9
    changed = (made != np.asarray(spoilt)).any(axis=2)
    changed[top:bottom, left:right] = False
    assert not changed.any()
    assert np.array_equal(made, again)
    around = np.asarray(puppet)[:top].mean(axis=(0, 1))
    inside = made[top + 9 : bottom - 9, left + 9 : right - 9].mean(axis=(0, 1))
    assert np.abs(inside - around).max() < np.abs(np.array([255, 0, 255]) - around).max()


def test_the_command_writes_copies_with_captions_a_sheet_and_provenance(call, written, puppet, tmp_path):
    (tmp_path / "given").mkdir()
    written.save(tmp_path / "given" / "a.png")
    (tmp_path / "given" / "a.txt").write_text("adachr")
    puppet.save(tmp_path / "given" / "b.png")
    before, out = (tmp_path / "given" / "a.png").read_bytes(), tmp_path / "repaired"
    done = call("repair", tmp_path / "given", "--out", out)
    assert done.code == 0
    assert '"b.png": nothing to repair' in done.out
    assert "1 of 2 pictures repaired" in done.out
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "a.txt", "before-and-after.png", "provenance.csv"]
    (row,) = read_provenance(out)
    assert row["retouched"] == "painted over: lettering at the lower left"
    assert (tmp_path / "given" / "a.png").read_bytes() == before
    region = call("repair", tmp_path / "given" / "b.png", "--out", tmp_path / "more", "--region", "10,10,30,30")
    assert region.code == 0
    changed = (np.asarray(open_picture(tmp_path / "more" / "b.png")[0]) != np.asarray(puppet)).any(axis=2)
    assert changed[51:154, 51:154].mean() > changed.mean() > 0
    for wrong in ("10,10,5,30", "a,b,c,d", "10,10"):
        refused = call("repair", tmp_path / "given", "--out", tmp_path / "third", "--region", wrong)
        assert (refused.code, f'--region "{wrong}"' in refused.line) == (2, True)


def test_a_region_is_covered_before_the_picture_is_cropped():
    image = Image.new("RGB", (100, 100), "white")
    image.paste("red", (0, 0, 50, 50))
    made = repaired(image, [Repair("crop", (0, 0, 0.5, 1), "crop"), Repair("cover", (0, 0, 0.5, 0.5), "cover")])
    assert made.size == (50, 100)
    assert made.getpixel((40, 40)) != (255, 0, 0)
