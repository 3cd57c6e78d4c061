"""The judge: its labels, its training data, and that nothing of the loop can read it."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bootstrap.puppets import anatomy, scene
from bootstrap.puppets.judge import PuppetJudge, load_judge, new_judge_net, save_judge
from bootstrap.puppets.render import render
from bootstrap.puppets.train import attributes, judge_pictures, judge_truth, train_judge
from bootstrap.puppets.train.__main__ import SHARES, TRAINERS
from bootstrap.puppets.train.bars import Bar
from bootstrap.puppets.train.judge_measures import view_family_aucs
from bootstrap.puppets.train.material import Material
from bootstrap.puppets.train.orthogonal import Muon
from bootstrap.puppets.train.twins import TWINS, framings

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _calm() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def shown(**fixed):
    return anatomy.sample_puppet(11), scene.sample_shot(np.random.default_rng(5), **fixed)


def answers(puppet, shot):
    row = judge_truth.labels([(puppet, shot)])[0]
    pairs = zip(judge_truth.AXES.items(), row, strict=True)
    return {axis: None if index == judge_truth.NOTHING else choices[index] for (axis, choices), index in pairs}


def test_the_truth_is_what_was_drawn_and_nothing_that_is_hidden():
    puppet, shot = shown(view_family="front", framing="full body", style="cel shading", expression="smile")
    labels = answers(puppet, shot)
    assert labels["hair_color"] == puppet.named.hair_color
    assert labels["expression"] == "smile"
    assert labels["top_color"] == puppet.named.outfits[shot.outfit].top_color
    behind = answers(puppet, replace(shot, view_family="behind"))
    assert behind["expression"] is None
    assert behind["eye_color"] is None
    assert answers(puppet, replace(shot, style="monochrome"))["hair_color"] is None
    assert answers(puppet, replace(shot, framing="portrait"))["bottom"] is None


def test_a_coloured_hat_is_two_answers():
    puppet, shot = shown(style="cel shading")
    hatted = replace(puppet, named=replace(puppet.named, hat="black witch hat", accessory="glasses"))
    labels = answers(hatted, replace(shot, view_family="front"))
    assert (labels["hat"], labels["hat_color"]) == ("witch hat", "black")
    assert (labels["accessory"], labels["accessory_color"]) == ("glasses", None)


def test_twins_share_framings_and_differ_in_unnamed_targets():
    specs = judge_pictures.group_specs("judge", 3)
    first, second = specs[: len(judge_pictures.SHOTS)], specs[len(judge_pictures.SHOTS) :][: len(judge_pictures.SHOTS)]
    assert [shot.framing for _, shot in first] == [shot.framing for _, shot in second]
    targets = attributes.attributes([first[0][0], second[0][0]])
    assert not torch.equal(targets.sizes[0], targets.sizes[1])


def test_knowing_the_unnamed_traits_costs_nothing_and_guessing_costs_all():
    targets = attributes.attributes([anatomy.sample_puppet(number) for number in range(40)])
    nothing = torch.zeros(40, attributes.OUTPUTS)
    known = nothing.clone()
    known[:, : attributes.SIZES] = targets.sizes
    assert attributes.attribute_loss(known, targets) < attributes.attribute_loss(nothing, targets) - 0.8


@pytest.fixture(scope="module")
def material():
    specs = [spec for group in range(2) for spec in judge_pictures.group_specs("judge", group)]
    images = np.random.default_rng(0).integers(0, 255, (2 * len(specs), 96, 96, 3), dtype=np.uint8)
    unnamed = attributes.attributes([puppet for puppet, _ in specs * 2])
    return Material(images, images, specs * 2, framings(specs * 2), unnamed, len(specs))


def test_pairs_are_of_one_individual_and_her_twins(material):
    rows, who = train_judge.sample_rows(material.grouped, len(material), 20, np.random.default_rng(1))
    numbers = np.array([material.specs[row][0].number for row in rows])
    for individual in set(who) - {-1}:
        assert len(set(numbers[who == individual])) == 1
    assert sum(who >= 0) == 12


def test_judge_steps_lower_the_loss_and_its_weights_come_back(material, tmp_path):
    net = new_judge_net(attributes.OUTPUTS)
    optimizer = Muon(net, 2e-3)
    labels = judge_truth.labels(material.specs)
    history = []
    for _ in range(8):
        losses = train_judge.losses(net, material, labels, 12, np.random.default_rng(0))  # the same batch every time
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        history.append(float(total.detach()))
    assert history[-1] < history[0]
    save_judge(net, tmp_path)
    trained, loaded = PuppetJudge(net), load_judge(tmp_path)
    pictures = material.images[:3]
    assert np.allclose(trained.embed(pictures), loaded.embed(pictures), atol=0.02)
    assert set(loaded.read(pictures)) == set(judge_truth.AXES)


def test_the_shipped_judge_reads_views_and_knows_individuals():
    puppet = anatomy.sample_puppet(70_000_123)
    views = [scene.sample_shot(np.random.default_rng(3), view_family=name, style="cel shading", framing="portrait")
             for name in scene.ALL_VIEW_FAMILIES]  # fmt: skip
    pictures = np.stack([render(puppet, shot).image for shot in views])
    judge = load_judge()
    assert judge.read(pictures)["view_family"] == list(scene.ALL_VIEW_FAMILIES)
    twin = render(anatomy.twin(puppet, 70_000_124), views[0]).image
    moved = render(puppet, views[0], rng=np.random.default_rng(1)).image
    first, other, again = judge.embed(np.stack([pictures[0], twin, moved]))
    assert first @ again > first @ other


def test_like_is_compared_with_like():
    album = judge_pictures.JudgeAlbum("judge", np.zeros((judge_pictures.PER_GROUP * 8, 1, 1, 3), np.uint8))
    identity = np.repeat(np.eye(8 * TWINS), len(judge_pictures.SHOTS), axis=0)
    assert all(value == 1 for value in view_family_aucs(identity, album).values() if not np.isnan(value))
    blind = np.ones_like(identity)
    assert all(value == 0.5 for value in view_family_aucs(blind, album).values() if not np.isnan(value))


def test_the_loop_cannot_read_its_judge():
    for path in [*ROOT.glob("scoring/**/*.py"), *ROOT.glob("loops/**/*.py")]:
        names = [
            alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        ]
        assert not [name for name in names if name.startswith("bootstrap.puppets")], path


def test_one_command_rebuilds_every_model():
    assert set(SHARES) == set(TRAINERS) - {"decoder"}  # a second decoder, for a base that is trained already
    assert sum(SHARES.values()) == pytest.approx(1)


def test_a_bar_may_be_a_ceiling():
    assert Bar("vae", "error", 0.03, 0.035, at_most=True).met
    assert not Bar("clip", "view_family", 0.90, 0.95).met
