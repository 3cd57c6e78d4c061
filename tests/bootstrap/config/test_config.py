import pytest

from bootstrap.character import load_character
from bootstrap.config import configs_dir, known, load
from bootstrap.errors import ConfigError


@pytest.mark.parametrize("base", known("base"))
def test_every_shipped_base_loads_with_every_other_shipped_file(base):
    for views in known("views"):
        for loop in known("loops"):
            assert load(base, views=views, loop=loop).base.name == base


@pytest.mark.parametrize("path", sorted(configs_dir().glob("characters/*/character.json")), ids=lambda p: p.parent.name)
def test_every_shipped_character_loads_and_names_its_seeds(path):
    character = load_character(path)
    assert {note.file for note in character.seeds} == {p.name for p in path.parent.glob("*.png")}
    assert load(character.base or "", views=character.views)


def test_overrides_are_typed_and_problems_come_together():
    assert load("puppet", overrides=["loop.target=24", "panel.face.pack=''"]).loop.target == 24
    with pytest.raises(ConfigError) as error:
        load("puppet", overrides=["loop.targt=24", "base.sampling.steps=many"])
    text = str(error.value)
    assert "loop.targt: unknown field (did you mean 'target'?)" in text
    assert "base.sampling.steps" in text


@pytest.mark.parametrize("text", ["loop.target", "=3", "loop.target.more=3"])
def test_an_override_that_is_none_says_how_to_write_it(text):
    with pytest.raises(ConfigError):
        load("puppet", overrides=[text])


def test_an_unknown_base_gets_a_suggestion():
    with pytest.raises(ConfigError, match='did you mean "puppet"'):
        load("pupet")


def test_a_gate_that_calibrates_on_decoys_wants_them_drawn():
    assert load("puppet").loop.calibrate_on == "lookalikes"
    with pytest.raises(ConfigError, match='calibrate_on "both" needs exchanged above 0'):
        load("puppet", overrides=["loop.calibrate_on=both", "loop.exchanged=0"])


def test_phases_are_data_and_each_has_a_recipe():
    shipped = load("puppet")
    assert (shipped.subject.growing.name, shipped.subject.finishing.name) == ("style", "character")
    assert shipped.finishing_recipe == shipped.base.recipes["character"]
    phases = [{"name": "grow"}, {"name": "name", "withholds": ["identity"]}]
    recipes = {"grow": {"rank": 4}, "name": {"rank": 8}}
    own = load("puppet", own={"subject": {"phases": phases}, "base": {"recipes": recipes}})
    assert (own.growing_recipe.rank, own.finishing_recipe.rank) == (4, 8)
    with pytest.raises(ConfigError, match='base.recipes has none for the phase "grow": add base.recipes.grow'):
        load("puppet", own={"subject": {"phases": phases}})
    with pytest.raises(ConfigError, match='phases: "grow" occurs twice'):
        load("puppet", own={"subject": {"phases": [{"name": "grow"}, {"name": "grow"}]}})
