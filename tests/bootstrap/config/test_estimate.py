"""What a run costs follows from its settings."""

import pytest

from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.config import load
from bootstrap.config.estimate import cost_of, rounds_expected, slower_drawing
from bootstrap.config.steps import steps_for
from loops.training_set import recipe_for

CONFIG = load("puppet")
WORDS = {"base": {"reference": None}}
IN_WORDS = load("puppet", own=WORDS)


def test_pictures_and_steps_are_about_those_of_the_demonstration():
    cost = cost_of(CONFIG, seeds=1, parameters=8_000_000, speed=5.5e10)
    assert 1400 < cost.pictures < 3000
    assert 500 < cost.steps < 900
    assert 200 < cost.seconds < 900
    assert cost.disk < 1


def test_decoys_that_nothing_calibrates_cost_nothing():
    both = load("puppet", own=WORDS, overrides=["loop.calibrate_on=both"])
    assert cost_of(both, 1, 10**6, 1e9).pictures > cost_of(IN_WORDS, 1, 10**6, 1e9).pictures + 1000


def test_a_base_that_draws_from_references_alone_trains_once_and_draws_in_one_round():
    alone = load("puppet", overrides=["base.reference.with_lora=false"])
    assert rounds_expected(alone.schedule) == 1
    once = recipe_for(alone, "character", 1, CONFIG.loop.target + 5)
    assert cost_of(alone, 1, 10**6, 0.0).steps == once.steps
    with_lora = load("puppet", overrides=["base.reference.beside_steps=0"])
    assert cost_of(with_lora, 1, 10**6, 0.0).steps == cost_of(IN_WORDS, 1, 10**6, 0.0).steps


def test_a_lora_beside_references_is_trained_once_and_draws_in_one_round():
    beside = recipe_for(CONFIG, "style", 1, 5)
    assert (beside.steps, beside.beside_references) == (CONFIG.base.reference.beside_steps, True)
    assert rounds_expected(CONFIG.schedule) == 1
    last = recipe_for(CONFIG, "character", 2, CONFIG.loop.target + 5)
    assert not last.beside_references
    assert cost_of(CONFIG, 1, 10**6, 0.0).steps == beside.steps + last.steps


def test_a_smaller_target_costs_less_and_no_speed_gives_no_time():
    small = load("puppet", overrides=["loop.target=8"])
    assert rounds_expected(small.loop) == 1
    assert rounds_expected(CONFIG.loop) == 3
    assert cost_of(small, 1, 10**6, 1e9).seconds < cost_of(CONFIG, 1, 10**6, 1e9).seconds
    assert cost_of(CONFIG, 1, 10**6, 0.0).seconds == 0.0


@pytest.mark.parametrize("epochs", [None, 1, 40])
def test_steps_are_counted_as_they_are_trained(epochs):
    recipes = {phase: {"epochs": epochs, "repeats": 1} for phase in ("style", "character")}
    config = load("puppet", own={"base": {"recipes": recipes, "reference": None}})
    seed_pictures, (first, second), target = 2 * 5, config.loop.goals, config.loop.target
    trainings = [("style", 0), ("style", first), ("character", second), ("character", target)]
    recipes_trained = [recipe_for(config, phase, 1, kept + seed_pictures) for phase, kept in trainings]
    assert cost_of(config, 2, 10**6, 0.0).steps == sum(recipe.steps for recipe in recipes_trained)


def test_epochs_count_pictures_without_a_cap():
    base = load("puppet").base
    few = base.model_copy(update={"recipes": {"style": base.recipes["style"].model_copy(update={"epochs": 2})}})
    assert steps_for(few, "style", 40) == 2 * 40 * 10 // 8
    assert steps_for(base, "style", 1) == base.minimum_steps
    assert steps_for(base, "style", 20) == 20 * base.steps_per_picture
    assert steps_for(base, "style", 10_000) == base.recipes["style"].steps
    assert steps_for(few, "style", 10_000) == 2 * 10_000 * 10 // 8


def test_attention_and_controlnets_make_pictures_slower_and_adapters_do_not():
    sdxl = load("sdxl").base
    assert slower_drawing(load("sdxl")) == 1

    def factor(**changes):
        config = load("sdxl")
        return slower_drawing(config.model_copy(update={"base": sdxl.model_copy(update=changes)}))

    adapter = ReferenceSettings(path="a", file="b")
    assert factor(reference=adapter) == 1
    assert factor(reference=ReferenceSettings(attention=1.0)) == pytest.approx(1.18 + 1 / 4)  # a batch of 2, guided
    assert factor(control=ControlSettings(path="c", kind="openpose")) == pytest.approx(1 + 0.45 / 2)  # 3 of 6 families
    slow = sdxl.model_copy(update={"reference": ReferenceSettings(attention=1.0)})
    attended = cost_of(load("sdxl").model_copy(update={"base": slow}), 1, 10**9, 1e12)
    assert attended.seconds > 1.2 * cost_of(load("sdxl"), 1, 10**9, 1e12).seconds
