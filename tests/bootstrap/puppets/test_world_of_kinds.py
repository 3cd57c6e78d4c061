"""Garments, places, drawing styles and pairs: individuals that can be drawn in any context, with the truth of it."""

from dataclasses import replace

import numpy as np
import pytest

from bootstrap.puppets import garments, pairs, places
from bootstrap.puppets.anatomy import sample_puppet
from bootstrap.puppets.captions import caption
from bootstrap.puppets.casting import shot_of
from bootstrap.puppets.drawing_style import ALL_TEXTURES, sample_style, style_with_texture
from bootstrap.puppets.places import PlaceView, place_of_kind, show
from bootstrap.puppets.render import render
from bootstrap.puppets.visits import picture_of_place

SIZE = 48
PLAIN = shot_of("front", "full body")


def differing(first, second):
    """Share of pixels that differ between two pictures."""
    return float((np.abs(first.astype(int) - second).max(axis=-1) > 8).mean())


def test_a_garment_is_the_same_on_everybody_and_its_twin_has_the_same_words():
    garment = garments.sample_garment(3)
    twin = garments.garment_twin(garment, 4)
    for number in (1, 2):
        wearer = garments.bare(sample_puppet(number), number)
        worn, other = garments.wearing(wearer, garment), garments.wearing(wearer, twin)
        assert garments.garment_of(worn, 2) == replace(garment, number=number)
        assert worn.named.hair_color == wearer.named.hair_color
        assert caption(worn, PLAIN) == caption(other, PLAIN)
        assert 0.01 < differing(render(worn, PLAIN, SIZE).image, render(other, PLAIN, SIZE).image) < 0.5


def test_a_place_is_seen_at_other_times_and_from_other_sides():
    place, twin = place_of_kind("city street", 1), place_of_kind("city street", 2)
    day = show(place, PlaceView(), SIZE)
    assert place == place_of_kind("city street", 1)
    assert np.abs(day - show(twin, PlaceView(), SIZE)).mean() > 0.03
    assert show(place, PlaceView(time="night"), SIZE).mean() < 0.6 * day.mean()
    for view in (PlaceView(angle="left"), PlaceView(angle="above"), PlaceView(distance="section", middle=0.3)):
        assert np.abs(day - show(place, view, SIZE)).mean() > 0.03
    moved = {thing: place.things[thing].depth for thing in (0, -1)}
    assert moved[0] <= moved[-1], "far things are painted first"


def test_somebody_stands_out_of_focus_before_a_place():
    place = place_of_kind("snow", 5)
    empty = picture_of_place(place, PlaceView(), size=SIZE)
    visited = picture_of_place(place, PlaceView(), (sample_puppet(8), PLAIN), SIZE)
    sharp = render(sample_puppet(8), PLAIN, SIZE, place=show(place, PlaceView(), 2 * SIZE)).image
    inside = render(sample_puppet(8), PLAIN, SIZE).mask
    assert 0.05 < differing(empty, visited) < 0.6
    steps = [np.abs(np.diff(one.astype(int), axis=1)).mean(axis=2)[inside[:, 1:]].mean() for one in (visited, sharp)]
    assert steps[0] < 0.7 * steps[1]


@pytest.mark.parametrize("texture", ALL_TEXTURES)
def test_a_drawing_style_is_none_that_captions_name(texture):
    style, twin = style_with_texture(texture, 1), style_with_texture(texture, 2)
    puppet = sample_puppet(9)
    drawn = render(puppet, PLAIN, SIZE, style=style).image
    assert style == style_with_texture(texture, 1)
    assert differing(drawn, render(puppet, PLAIN, SIZE).image) > 0.2
    assert differing(drawn, render(puppet, PLAIN, SIZE, style=twin).image) > 0.2


def test_colours_keep_their_names_in_a_drawing_style():
    puppet = sample_puppet(9)
    plain = render(puppet, PLAIN, SIZE)
    for number in range(6):
        drawn = render(puppet, PLAIN, SIZE, style=sample_style(number))
        of_both = [one.image[plain.mask].astype(float) for one in (plain, drawn)]
        chroma = [(one - one.mean(axis=1, keepdims=True)).ravel() for one in of_both]
        assert np.corrcoef(*chroma)[0, 1] > 0.6


@pytest.mark.parametrize("relation", pairs.ALL_RELATIONS)
def test_two_puppets_and_who_is_where(relation):
    left, right = sample_puppet(21), sample_puppet(22)
    shot = pairs.sample_pair_shot(np.random.default_rng(3), relation=relation, style="cel shading")
    drawing = pairs.render_pair(left, right, shot)
    seen = drawing.masks.mean(axis=(1, 2))
    assert not (drawing.masks[0] & drawing.masks[1]).any()
    assert (seen > 0.04).all()
    assert drawing.boxes[0][0] < drawing.boxes[1][0]
    middles = [(box[0] + box[2]) / 2 for box in drawing.heads]
    assert middles[0] < 0.5 < middles[1]
    other = pairs.render_pair(left, sample_puppet(23), shot)
    assert differing(drawing.image[drawing.masks[0]][None], other.image[drawing.masks[0]][None]) < 0.05


def test_one_of_two_is_cut_out_as_a_picture_of_it_alone():
    left, right = sample_puppet(21), sample_puppet(22)
    shot = pairs.posed(pairs.PairShot("side by side", PLAIN, PLAIN, (1.0, 0.84)))
    drawing = pairs.render_pair(left, right, shot)
    for which, puppet in enumerate((left, right)):
        solo = render(puppet, PLAIN)
        cut = pairs.alone(drawing.image, shot, which)
        inside = solo.mask & (np.abs(np.arange(96) - 48) < 20)
        assert np.abs(cut.astype(int) - solo.image).mean(axis=2)[inside].mean() < 40
    assert drawing.masks[1].sum() < drawing.masks[0].sum() * 1.4


def test_a_smaller_one_stands_on_the_same_ground():
    both = pairs.posed(pairs.PairShot("side by side", PLAIN, PLAIN, (1.0, 0.84)))
    drawing = pairs.render_pair(sample_puppet(21), sample_puppet(21), both)
    assert drawing.boxes[1][3] == pytest.approx(drawing.boxes[0][3], abs=0.03)
    assert drawing.boxes[1][1] > drawing.boxes[0][1] + 0.05


def test_every_kind_of_place_and_landmark_can_be_drawn():
    drawn = [show(place_of_kind(kind, number), PlaceView(), 24) for kind in places.ALL_PLACES for number in range(8)]
    assert len({one.tobytes() for one in drawn}) == len(drawn)
