"""Recipes that show references: what cannot go together is one line, what can is planned as it is drawn."""

import pytest

from bootstrap.config import load
from bootstrap.errors import BootstrapError

STYLE, CHARACTER = "base.recipes.style", "base.recipes.character"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ([f"{STYLE}.text_encoder=true"], "may not train text_encoder"),
        ([f"{STYLE}.network=dora"], "dora and lora do not fit"),
        ([f"{STYLE}.network=lokr", f"{CHARACTER}.network=lokr"], "lokr and lokr do not fit"),
        ([f"{STYLE}.network=locon"], "has a conv_rank, this has none"),
        ([f"{STYLE}.beside_references=true"], "set base.reference.beside_steps instead"),
        ([f"{STYLE}.prior_pictures=4"], "leave out reg_data_dir and prior_pictures"),
        (
            ["base.reference.attention=1", f"{STYLE}.gradient_checkpointing=true"],
            "gradient_checkpointing must be false",
        ),
    ],
)
def test_recipes_that_do_not_fit_are_refused(settings, line):
    with pytest.raises(BootstrapError) as refused:
        load("puppet", overrides=settings)
    assert line in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        [f"{STYLE}.network=dora", f"{CHARACTER}.network=dora"],
        [f"{CHARACTER}.network=locon"],
        [f"{STYLE}.network=lokr", f"{CHARACTER}.reference_distillation=0"],
        [f"{STYLE}.network=lokr", "base.reference.with_lora=false"],
        [f"{STYLE}.text_encoder=true", "base.reference=null"],
    ],
)
def test_others_load(settings):
    assert load("puppet", overrides=settings).base.name == "puppet"


@pytest.mark.parametrize(
    ("settings", "phase"),
    [
        ([], "style"),
        (["base.reference.beside_steps=0"], "character"),
        (["base.reference.with_lora=false"], "character"),
        (["base.reference=null"], "character"),
    ],
)
def test_the_set_is_filled_in_the_phase_whose_lora_draws_with_references(settings, phase):
    assert load("puppet", overrides=settings).filling_phase == phase
