import json
from pathlib import Path

import pytest

from bootstrap.character import load_character
from bootstrap.config import configs_dir, load, shipped_names, stored_config
from bootstrap.errors import ConfigError


@pytest.mark.parametrize("base", shipped_names("base"))
def test_every_shipped_base_loads_with_every_other_shipped_file(base):
    for views in shipped_names("views"):
        for loop in shipped_names("loops"):
            assert load(base, views=views, loop=loop).base.name == base


SHIPPED = [
    path for path in sorted(configs_dir().glob("characters/*/character.json")) if "members" not in path.read_text()
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.parent.name)
def test_every_shipped_character_loads_and_names_its_seeds(path):
    character = load_character(path)
    assert {note.file for note in character.seeds} == {p.name for p in path.parent.glob("*.png")}
    assert load(character.base or "", views=character.views)


def test_overrides_are_typed_and_problems_come_together():
    assert load("puppet", overrides=["loop.target=24", "panel.models.face.pack=''"]).loop.target == 24
    with pytest.raises(ConfigError) as error:
        load("puppet", overrides=["loop.targt=24", "base.sampling.steps=many"])
    text = str(error.value)
    assert "loop.targt: unknown field (did you mean 'target'?)" in text
    assert "base.sampling.steps" in text


@pytest.mark.parametrize("text", ["loop.target", "=3", "loop.target.more=3"])
def test_an_override_that_is_none_says_how_to_write_it(text):
    with pytest.raises(ConfigError):
        load("puppet", overrides=[text])


NO_NUMBERS = {"yes": "write a number", "9" * 30: "must be at most", "0x" + "f" * 9000: "a number of 9002 digits"}


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_a_number_that_is_none_or_that_nothing_stores_is_refused(value):
    for name in ("random_seed", "loop.target"):
        with pytest.raises(ConfigError, match=f"{name}.*{NO_NUMBERS[value]}"):
            load("puppet", overrides=[f"{name}={value}"])


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
    assert (own.base.recipes["grow"].rank, own.finishing_recipe.rank) == (4, 8)
    with pytest.raises(ConfigError, match=r'base\.recipes has none for the phase "grow": add base\.recipes\.grow'):
        load("puppet", own={"subject": {"phases": phases}})
    with pytest.raises(ConfigError, match='phases: "grow" occurs twice'):
        load("puppet", own={"subject": {"phases": [{"name": "grow"}, {"name": "grow"}]}})


@pytest.mark.parametrize(
    ("given", "today"),
    [
        ("loop.max_false_accepts=0.2", "loop.max_false_accepts is now loop.gate_level"),
        ("loop.gate=human", "loop.gate is now loop.approval"),
        ("seed=3", "seed is now random_seed"),
        ("base.style.rank=4", "base.style is now base.recipes.style"),
        ("base.recipes.style.seed=4", "base.recipes.style.seed is now base.recipes.style.random_seed"),
        ("subject.defaults.poses=[lying]", "subject.defaults.poses is now subject.axes.pose.defaults"),
        ("panel.qualified.clip=[front]", "panel.qualified.clip is now panel.scorers.clip.qualified"),
        ("panel.face.max_yaw=20", "panel.face.max_yaw is now panel.scorers.face.max_yaw"),
        ("panel.face.pack=buffalo_l", "panel.face is now panel.models.face"),
        ("panel.held_out=none", "panel.held_out is now panel.scorers.held-out.model"),
    ],
)
def test_an_earlier_name_gets_the_one_of_today(given, today):
    with pytest.raises(ConfigError, match=today):
        load("puppet", overrides=[given])
    path, _, value = given.partition("=")
    own = value
    for key in reversed(path.split(".")):
        own = {key: own}
    with pytest.raises(ConfigError, match=today):
        load("puppet", own=own)


def test_a_config_that_an_earlier_version_stored_is_read():
    config = load("puppet", overrides=["loop.gate_level=0.2", "subject.a_prompt=3"])
    plain = json.loads(config.model_dump_json())
    plain["seed"] = plain.pop("random_seed")
    for new, old in (("goals", "style_goals"), ("gate_level", "max_false_accepts"), ("approval", "gate")):
        plain["loop"][old] = plain["loop"].pop(new)
    for phase, recipe in plain["base"].pop("recipes").items():
        recipe["seed"] = recipe.pop("random_seed")
        plain["base"][phase] = recipe
    subject, defaults = plain["subject"], {"poses": ["lying"]}
    plain["subject"] = {name: subject[name] for name in ("most_neutral", "neutral", "a_prompt", "leeway")}
    plain["subject"]["defaults"] = defaults
    read = stored_config(json.dumps(plain))
    assert read.subject.axes["pose"].defaults == ("lying",)
    assert read.subject.axes["style"] == config.subject.axes["style"]
    same = {"loop", "base", "views", "panel", "random_seed"}
    assert read.model_dump(include=same) == config.model_dump(include=same)


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("earlier/*.json")), ids=lambda path: path.stem)
def test_runs_of_the_version_before_are_read_with_their_own_values(path):
    plain = json.loads(path.read_text())
    read = stored_config(path.read_text())
    assert read.loop.gate_level == plain["loop"]["max_false_accepts"]
    assert list(read.loop.goals) == plain["loop"]["style_goals"]
    assert read.base.recipes["style"].rank == plain["base"]["style"]["rank"]
    assert read.finishing_recipe.random_seed == plain["base"]["character"]["seed"]
    assert read.panel.scorers["copy"].most == plain["panel"]["copy_cosine"]
    assert ("ccip" in read.panel.scorers) == bool(plain["panel"]["ccip"]["model"])
    assert read.subject.axes["pose"].defaults == tuple(plain["subject"]["defaults"]["poses"])


def test_what_is_stored_today_is_read_as_it_was():
    config = load("illustrious", overrides=["loop.target=24"])
    assert stored_config(config.model_dump_json()) == config
    for text in (None, "", "[]", "{", '{"loop": {}}'):
        with pytest.raises(ConfigError, match="the stored configuration"):
            stored_config(text)
