"""What the numbers of a comparison mean, in words."""

from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.character import Character
from bootstrap.compare.advice import advice_on
from bootstrap.compare.grid import BASE, Cell, Companion, TriedWeights, companion_from, grid, weights_from
from bootstrap.compare.results import Comparison, Result, TrialPicture
from bootstrap.compare.trial_shots import KNOWN, UNSEEN_OUTFIT, UNSEEN_POSE, trials_for
from bootstrap.config import load
from bootstrap.errors import UsageError
from bootstrap.records import Frame, Job, JobKind, Shot
from scoring.trials import Drawn

CONFIG = load("puppet")
VIEW_FAMILIES = tuple(CONFIG.views.families)
RUBY = Character.model_validate({
    "name": "Ruby", "trigger": "rubychr", "invariant": {"hair": "red hair"},
    "outfits": {"default": {"tags": "blue shirt, red skirt"}, "night": {"tags": "green dress"}},
    "poses": ["standing", "waving"],
})  # fmt: skip
TRIALS = trials_for(RUBY, CONFIG)
EARLY, LATE = (TriedWeights(name, Path(name), name, steps) for name, steps in (("early", 100), ("late", 200)))
PLACES = {(view_family, "upper body"): 8 for view_family in VIEW_FAMILIES}
STRONG, WEAK = 6.0, 0.0
"""Deviations above the decoys: identity .98 and .12."""
BELOW = "below 0.5, where the gate begins to let a picture in"


def picture(view_family, test, score, reads, obeyed=True):
    shot = Shot(
        view_family,
        view_family,
        "upper body",
        {
            "expression": "smile",
            "pose": "standing",
            "outfit": "default",
            "background": "forest",
            "style": "cel shading",
        },
    )
    job = Job("x", JobKind.PROBE, 0, 0, shot, "", "", 1, {})
    return TrialPicture(Frame(job, "x.png", "", ""), test, Drawn(score, (obeyed,), False), reads, {"clip": 0.5}, ())


def result(cell, scores=None, tests=None, reads=None, obeyed=True):
    """A cell of two pictures a family and one a test beside them; STRONG where no other score is given."""
    shown = [
        picture(view_family, KNOWN, (scores or {}).get(view_family, STRONG), reads or {}, obeyed)
        for view_family in VIEW_FAMILIES * 2
    ]
    unseen = [
        picture("front", test, (tests or {}).get(test, STRONG), {}, obeyed) for test in (UNSEEN_POSE, UNSEEN_OUTFIT)
    ]
    return Result(cell, tuple([*shown, *unseen]))


def advice(*cells, base=None, stacked=(), kept=None):
    base = base or result(BASE, dict.fromkeys(VIEW_FAMILIES, WEAK))
    return advice_on(Comparison(TRIALS, base, cells, stacked), PLACES, kept or {})


def test_the_longest_training_at_full_weight_stands_unless_another_is_clearly_better():
    cells = grid([EARLY, LATE], [1.0, 0.8])
    assert [cell.name for cell in cells] == ["early at 0.8", "late at 0.8", "early at 1", "late at 1"]
    equal = advice(*map(result, cells))
    assert equal.best.cell.name == "late at 1"
    assert "works at full weight" in equal.summary
    broken = [result(cell, dict.fromkeys(VIEW_FAMILIES, STRONG if cell.weight < 1 else WEAK)) for cell in cells]
    assert advice(*broken).best.cell.weight == 0.8
    assert "acceptable" in advice(*broken).summary
    weak = grid([LATE], [1.0, 0.5])
    only = [result(cell, dict.fromkeys(VIEW_FAMILIES, STRONG if cell.weight < 1 else WEAK)) for cell in weak]
    assert "turned down" in advice(*only).summary


@pytest.mark.parametrize("weights", [[1.0, 0.8], [0.8]])
def test_what_is_below_the_gate_is_called_no_working_lora_and_praised_for_nothing_that_it_keeps(weights):
    tests, style = {UNSEEN_POSE: WEAK, UNSEEN_OUTFIT: WEAK}, Companion(Path("style.safetensors"), "s", 0.7)
    weak = [result(cell, dict.fromkeys(VIEW_FAMILIES, WEAK), tests) for cell in grid([LATE], weights)]
    beside = replace(weak[-1], cell=replace(weak[-1].cell, companions=(style,)))
    found = advice(*weak, stacked=[beside])
    said = {1.0: "full weight is the best of what was tried", 0.8: "that is the best of what was tried, without full"}
    assert said[weights[0]] in found.summary
    assert found.summary.endswith(f"by the scorers of the run identity is {BELOW}")
    assert not [text for text in found.strengths if "identity" in text]
    kept = [text.partition(":")[0] for text in found.weaknesses if text.startswith("its identity hardly falls")]
    places = ("in an unseen pose (arms up)", f"in an unseen outfit ({TRIALS.outfit})", "beside style at 0.7")
    assert kept == [f"its identity hardly falls {place}, but is {BELOW}" for place in places]
    assert not [text for text in found.steps if "leave what" in text or "overrides" in text]


def test_what_is_alike_and_does_not_obey_does_not_work():
    found = advice(result(Cell(LATE), obeyed=False))
    assert found.summary.endswith("control is far below the 1.00 of the base")
    assert [text for text in found.weaknesses if text.startswith("it obeys less than the base in an unseen pose")]


def test_a_view_that_falls_is_named_with_the_pictures_to_add():
    found = advice(result(Cell(LATE), {"behind": WEAK}), kept={("behind", "upper body"): 3})
    assert [text.partition(":")[0] for text in found.weaknesses] == ["behind falls"]
    assert found.add == {("behind", "upper body"): 4}
    assert found.steps[0] == "add 4 behind upper body: the set holds 3 of 8"
    assert any(text.startswith("it holds from these views: front 0.98") for text in found.strengths)
    assert not advice(result(Cell(LATE))).add


def test_where_nothing_holds_that_is_one_sentence_and_not_one_for_every_view():
    found = advice(result(Cell(LATE), dict.fromkeys(VIEW_FAMILIES, WEAK), {UNSEEN_POSE: WEAK, UNSEEN_OUTFIT: WEAK}))
    assert [text for text in found.weaknesses if " falls:" in text] == []
    assert found.weaknesses[0].startswith("few of its pictures are more alike than the base's look-alikes")
    assert not found.add
    assert any("review" in text for text in found.steps)


def test_a_view_in_which_nothing_could_tell_is_not_said_to_hold():
    shown = result(Cell(LATE))
    silent = [
        replace(one, drawn=replace(one.drawn, identity=None)) for one in shown.pictures if one.view_family == "behind"
    ]
    others = [one for one in shown.pictures if one.view_family != "behind"]
    (holds,) = (text for text in advice(Result(shown.cell, (*others, *silent))).strengths if "holds from" in text)
    assert "front" in holds
    assert "behind" not in holds


def test_a_trait_is_lost_only_where_the_base_shows_it():
    base = result(BASE, reads={"hair_color": True, "tail": False})
    partly = [picture(view_family, KNOWN, WEAK, {"tail": True}) for view_family in VIEW_FAMILIES[:4]]
    base = Result(BASE, (*base.pictures, *partly, *partly))
    assert base.rates()["tail"] == (8, 20)
    assert Comparison(TRIALS, base, []).readable == {"hair_color"}
    found = advice(result(Cell(LATE), reads={"hair_color": False, "tail": False}), base=base)
    assert found.weaknesses == ("the hair color gets lost: shown on 0 of 12, by the base from words on 12 of 12",)


def test_obedience_is_held_against_the_base_s():
    assert any(text.startswith("it obeys as well") for text in advice(result(Cell(LATE))).strengths)
    assert any(text.startswith("it obeys less") for text in advice(result(Cell(LATE), obeyed=False)).weaknesses)


def test_unseen_things_and_other_loras_beside_it():
    style = Companion(Path("style.safetensors"), "s", 0.7)
    overridden = result(Cell(LATE, 1.0, (style,)), dict.fromkeys(VIEW_FAMILIES, WEAK))
    found = advice(result(Cell(LATE), tests={UNSEEN_POSE: WEAK}), stacked=[overridden])
    assert any(text.startswith("it loses its identity in an unseen pose (arms up)") for text in found.weaknesses)
    assert any(text.startswith("it keeps its identity in an unseen outfit") for text in found.strengths)
    assert any(text.startswith("it is overridden by style at 0.7") for text in found.weaknesses)
    assert found.steps[-1].startswith("keep this LoRA at its weight beside one that overrides it")
    assert found.steps[-2].startswith("it cannot leave what it was trained on: take an earlier checkpoint")
    beside = result(Cell(LATE, 1.0, (style,)))
    assert not advice(result(Cell(LATE)), stacked=[beside]).steps


def test_words_that_must_be_obeyed_are_counted_where_they_were_asked_for():
    must = RUBY.model_copy(update={"must_obey": ("forest", "rain", "upper body")})
    trials = replace(TRIALS, character=must)
    shown, missing = ({"background": seen, "framing": True} for seen in (True, False))
    base = result(BASE, reads=shown)
    found = advice_on(Comparison(trials, base, [result(Cell(LATE), reads=missing)]), PLACES, {})
    assert [text for text in found.weaknesses if '"' in text] == [
        '"forest" is not obeyed as by the base: seen on 0 of 12, by the base on 12 of 12'
    ]
    assert [text.partition(":")[0] for text in found.strengths if '"' in text] == ['"upper body" is obeyed']
    assert found.steps == ('look yourself whether "rain" is obeyed: the panel could read it on no picture',)
    never = advice_on(Comparison(trials, result(BASE, reads=missing), [result(Cell(LATE), reads=shown)]), PLACES, {})
    assert never.steps[0].endswith('"forest" is obeyed: it is seen on 0 of 12 of the base alone')


def test_without_decoys_no_sentence_is_about_identity():
    nothing = dict.fromkeys(VIEW_FAMILIES), dict.fromkeys((UNSEEN_POSE, UNSEEN_OUTFIT))
    weak, strong = (result(cell, *nothing, obeyed=cell.weight < 1) for cell in grid([LATE], [1.0, 0.5]))
    found = advice(weak, strong)
    assert found.best is strong, "control alone chooses nothing"
    assert "identity cannot be ranked" in found.summary
    assert not found.add
    assert "look-alikes" in found.steps[0]
    assert not any("identity" in text for text in (*found.strengths, *found.weaknesses))


def test_the_unseen_things_are_none_that_the_run_plans():
    assert TRIALS.pose == "arms up"
    top, bottom = TRIALS.outfit.split(", ")
    assert top in CONFIG.panel.vocabulary["top"]
    assert bottom in CONFIG.panel.vocabulary["bottom"]
    assert not top.endswith("dress")
    assert {top, bottom}.isdisjoint({"blue shirt", "red skirt", "green dress"})
    assert TRIALS.tests.count(KNOWN) == 12 + 4, "each of two outfits in three full bodies"
    unseen = [shot for shot, test in zip(TRIALS.shots, TRIALS.tests, strict=True) if test == UNSEEN_POSE]
    assert {(shot["pose"], shot.framing) for shot in unseen} == {("arms up", "full body")}
    assert len({shot.key for shot in TRIALS.shots}) == len(TRIALS.shots)
    named = trials_for(RUBY, CONFIG, 1, "diving", "armor")
    assert (named.pose, named.outfit, len(named.shots)) == ("diving", "armor", 18 + 3)


def test_weights_and_companions_are_read_as_people_write_them(tmp_path):
    assert weights_from(["1.0,0.8", "0.8"]) == [1.0, 0.8]
    path = tmp_path / "a:b.safetensors"
    path.write_bytes(b"x")
    hashed = {}
    assert companion_from(str(path), hashed).weight == 1.0
    both = companion_from(f"{path}:0.6=oil painting", hashed)
    assert (both.path, both.weight, both.words) == (path, 0.6, "oil painting")
    with pytest.raises(UsageError, match="not a weight"):
        companion_from(f"{path}:-1", hashed)
