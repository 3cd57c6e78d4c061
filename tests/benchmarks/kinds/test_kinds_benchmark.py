"""The benchmark of kinds on the fake backend: every contestant ends with a row, and no row is made twice."""

from dataclasses import replace

import numpy as np
import pytest

from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.puppets.casting import STYLE
from bootstrap.puppets.casting_kinds import NOBODY, SUBJECTS, WEARERS, other_styles, pictures_of
from bootstrap.records import Shot
from bootstrap.shots import Planner, quotas
from tests.benchmarks.kinds import contest, couples
from tests.benchmarks.kinds.__main__ import main, publish
from tests.benchmarks.kinds.nearest import smoothed, surely
from tests.benchmarks.kinds.report import report
from tests.benchmarks.kinds.settings import CONTESTANTS, QUICK, SINGLE
from tests.benchmarks.kinds.stage import KindStage
from tests.benchmarks.kinds.style_judge import surely_in_style
from tests.benchmarks.puppetbench.settings import Settings
from tests.benchmarks.puppetbench.stage import Stage

TINY = replace(QUICK, backend="fake", overrides=(*QUICK.overrides, "base.sampling.width=32", "base.sampling.height=32"))


def made_up(contestant, number, likeness):
    """A row as a contest stores it."""
    return {"character": number, "name": f"N{number}", "contestant": contestant, "seconds": 1.0,
            "all": {"pictures": 4, "likeness": likeness}}  # fmt: skip


def test_ours_is_held_against_the_seeds_alone():
    values = {"seeds": (0.4, 0.5), "ours": (0.6, 0.68), "ceiling": (0.8, 0.9)}
    found = [made_up(name, number, value) for name, both in values.items() for number, value in enumerate(both)]
    text = report("outfit", found)
    assert "| ours minus seeds alone | 0.190 [0.180, 0.200] | yes |" in text
    assert "| share closed | 0.475 [" in text
    assert "Against" not in report("outfit", found[:2])


def test_every_contestant_ends_with_a_row_and_none_is_made_twice(tmp_path):
    stage = KindStage("outfit", 70_000_001, tmp_path / "outfit" / "subjects" / "1", TINY)
    try:
        made = [contest.compete(stage, name, tmp_path) for name in CONTESTANTS]
        assert [contest.compete(stage, name, tmp_path) for name in CONTESTANTS] == made
        contest.judge_again(stage, "base", tmp_path)
        assert contest.compete(stage, "base", tmp_path) == made[0]
    finally:
        stage.close()
    assert [len(row["likeness"]) for row in made] == [TINY.panel] * 4
    assert publish("outfit", tmp_path).startswith("## outfit: ")
    assert made[2]["facts"]["rounds"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--part", "3/2"], '--part "3/2" is no part'),
        (["--report", "--kind", "style"], "there is no row"),
    ],
)
def test_bad_input_is_one_line(arguments, said, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--work", str(tmp_path)])
    assert said in str(ended.value.code)


def test_a_couple_is_judged_half_by_half(tmp_path):
    number = 70_000_005  # of another skin than the second one: the fake panel tells heads by their colour
    made = list(couples.play(number, tmp_path, TINY, ("base", "seeds", "ours")))
    assert [row["contestant"] for row in made] == ["base", "seeds", "ours"]
    assert all(0 <= row["all"][measure] <= 1 for row in made for measure in ("both", "bleed"))
    assert list(couples.play(number, tmp_path, TINY, ("base",))) == made[:1]
    assert "likeness | both | surely | bleed" in publish("couple", tmp_path)


def test_true_pictures_show_both_and_no_trait_of_the_other(tmp_path):
    own = Settings(overrides=TINY.overrides, backend="fake")
    stages = [Stage(number, tmp_path / str(number), own) for number in (70_000_001, 70_001_001)]
    couple = couples.Couple(tmp_path, (stages[0], stages[1]), replace(TINY, panel=4))
    found = couples.judged(couple, couple.collages(couple.panel))
    for stage in stages:
        stage.close()
    assert found["likeness"] > 0.9
    assert (found["both"], found["bleed"]) == (1.0, 0.0)


@pytest.mark.parametrize("kind", SINGLE)
def test_a_true_picture_is_told_from_its_twins_though_it_is_soft_and_a_pixel_off(kind):
    rng, values = np.random.default_rng(2), []
    config = load("puppet", subject=kind)
    varies = {"outfit": {"wearer": list(WEARERS)}, "style": {"subject": list(SUBJECTS)}, "background": {}}
    one = Character(kind=kind, name="A", trigger="achr", invariant={"a": ("b",)}, varies=varies[kind],
                    backgrounds=("forest",), expressions=("smile",), poses=("standing",), styles=(STYLE,))  # fmt: skip
    for shot in Planner(one, config.views, config.subject).plan(quotas(4, config.views), []):
        if shot.axes.get("figure", NOBODY) != NOBODY:
            continue
        twins = [pictures_of(kind, 3, shot, 48, twin) for twin in (4, 5, 6)]
        soft = smoothed(np.roll(pictures_of(kind, 3, shot, 48)[0], int(rng.integers(-1, 2)), axis=1))
        values.append(surely((soft * 255).astype(np.uint8), pictures_of(kind, 3, shot, 48), twins))
    assert np.mean(values) > 0.85


def test_a_style_is_told_from_others_wherever_its_marks_lie_and_the_bases_own_is_not_taken_for_it():
    """Of the other styles the first is what words alone ask for: smoothed twins would take it for the liker one."""
    sure, plain = [], []
    for number in range(70_000_001, 70_000_007):
        shot = Shot("front", "front", "upper body", {"subject": list(SUBJECTS)[1], "background": "forest"})
        others, (true,) = other_styles(number, shot), pictures_of("style", number, shot)
        soft = (smoothed(np.roll(true, (2, 3), axis=(0, 1))) * 255).astype(np.uint8)
        sure.append(surely_in_style(soft, true, others))
        plain.append(surely_in_style(others[0], true, others))
    assert min(sure) > 0.85
    assert np.mean(plain) < 0.6


def test_a_picture_of_a_twin_is_not_taken_for_it():
    rng = np.random.default_rng(1)
    three = rng.integers(0, 256, (3, 8, 8, 3)).astype(np.uint8)
    assert surely(three[1], [three[0]], [[three[1]], [three[2]]]) <= 0.5
    assert surely(three[0], [three[0]], [[three[1]], [three[2]]]) == 1.0
    assert surely(three[0], [three[0]], [[three[0]]]) == 0.5
