"""A setting that does not exist: what is proposed is another one, and exists."""

import re

import pytest

from bootstrap.backends.control_settings import ControlSettings
from bootstrap.backends.outside.drawer_kinds import DRAWER_KINDS
from bootstrap.backends.reference_settings import ReferenceSettings
from bootstrap.character import Character
from bootstrap.config import PanelConfig, RunConfig, load
from bootstrap.config.every_setting import PLACE, every_setting
from bootstrap.config.problems import validated
from bootstrap.errors import ConfigError

MODELS = (RunConfig, Character, PanelConfig, ReferenceSettings, ControlSettings, *DRAWER_KINDS.values())


def unknown(model, place, names):
    """What is said of fields that do not belong to the part at a place: path → what is proposed."""
    part = dict.fromkeys(names, 1)
    for key in reversed(place):
        part = [part] if key == PLACE else {key: part}
    with pytest.raises(ConfigError) as failure:
        validated(model, part, "", ConfigError)
    found = re.findall(r"([\w.]+): unknown field(?: \(did you mean ([^)]*)\?\))?", failure.value.message)
    return {path: re.findall(r"'([^']+)'( at the top level)?", meant) for path, meant in found}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_field_is_proposed_in_place_of_itself(model):
    """Every name of a setting, in every part that has none of this name."""
    settings = list(every_setting(model))
    names = {one.path[-1] for one in settings} - {"seeds", "outfits"}
    paths = {one.name for one in settings}
    for place in {(), *(one.path for one in settings if one.is_section)}:
        beside = {one.path[-1] for one in settings if one.path[:-1] == place}
        for path, meant in unknown(model, place, sorted(names - beside)).items():
            wrong = path.rpartition(".")[2]
            for one, top in meant:
                assert one in paths | beside if one != wrong else (one != path and top), path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scoring=drawn", "scoring: unknown field (did you mean 'base.scoring'?)"),
        ("panel.scoring=drawn", "panel.scoring: unknown field (did you mean 'base.scoring'?)"),
        ("base.steps=4", "base.steps: unknown field (did you mean 'base.sampling.steps'"),
        ("loop.targts=4", "loop.targts: unknown field (did you mean 'target'?)"),
        ("base.recipes.style.rnk=4", "base.recipes.style.rnk: unknown field (did you mean 'rank'?)"),
        ("loop.random_seed=4", "or 'random_seed' at the top level?)"),
        ("target=4", "target: unknown field (did you mean 'loop.target'?)"),
        ("panel=drawn", 'panel "drawn": panel has settings of its own; to name one, give --set base.scoring=NAME'),
        ("base.recipes.charcter.steps=4", 'base.recipes has no "charcter"; did you mean character?'),
        ("base.reference=none", "to name one, give --reference"),
        ("loop=one-picture", "to name one, give --loop"),
    ],
)
def test_the_right_path_is_named(text, said):
    with pytest.raises(ConfigError) as failure:
        load("puppet", overrides=[text])
    assert said in str(failure.value)


def test_the_panel_is_chosen_by_the_bases_setting():
    assert load("puppet", overrides=["base.scoring=fake"]).panel.fake
    with pytest.raises(ConfigError, match='no "drwan"; did you mean "drawn"'):
        load("puppet", overrides=["base.scoring=drwan"])
