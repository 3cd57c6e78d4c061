"""What the file of a kind changes: views, panel, loop, base, and what character.json must hold."""

import json

import pytest

from bootstrap.character import character_schema, load_character
from bootstrap.config import load, read_own
from bootstrap.errors import CharacterError, ConfigError

KIND = """
about: a vehicle in many places
called: vehicle
views:
  families: {side: {share: 0.5, views: {side: "from side"}}, front: {share: 0.5, views: {front: "from front"}}}
  framings: {near: 0.5, far: 0.5}
panel:
  scorers:
    face: null
    clip: {crops: [whole]}
    nowhere: {margin: 3}
    traits: {kind: axis, axis: weather}
  composition: {near: {body: [0, 0, 1, 1]}, far: {body: [0.2, 0.2, 0.8, 0.8]}}
  view_phrases: {side: [from side], front: [from front]}
  vocabulary: {weather: [rain, snow]}
loop: {target: 25}
base: {reference: null, recipes: {naming: {rank: 4}}}
unwritten: {core: no humans}
needs:
  outfits: {rule: refused, say: a vehicle wears nothing}
  varies.weather: {rule: required, say: "name at least one, for example rain"}
phases:
  - {name: style}
  - {name: naming, like: character, withholds: [identity]}
axes:
  weather: {defaults: [rain, snow]}
captions: [trigger, core, own words, identity, view, framing, weather]
"""
CAR = {"name": "Car", "trigger": "zetacar", "invariant": {"paint": "red paint"}, "varies": {"weather": ["fog", "rain"]}}


@pytest.fixture
def described(tmp_path):
    """Writes a character file beside the kind, with some fields changed or (None) left out."""
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "car.yaml").write_text(KIND)

    def write(**changes):
        fields = {**CAR, "kind": "kinds/car.yaml", **changes}
        path = tmp_path / "car.json"
        path.write_text(json.dumps({name: value for name, value in fields.items() if value is not None}))
        return path

    return write


def test_a_kind_stands_between_the_base_and_what_a_person_sets(described):
    car = load_character(described())
    assert (car.core, car.views) == (("no humans",), "")
    plain, config = load("puppet"), load("puppet", subject=car.kind)
    assert list(config.views.families) == ["side", "front"]
    assert (config.loop.target, config.loop.rounds) == (25, plain.loop.rounds)
    assert (config.base.reference, config.base.recipes["naming"].rank) == (None, 4)
    assert config.base.recipes["naming"].steps == plain.base.recipes["character"].steps
    assert {*plain.panel.scorers} - {*config.panel.scorers} == {"face"}
    assert config.panel.scorers["clip"].crops == ("whole",)
    assert (config.panel.scorers["traits"].kind, "nowhere" in config.panel.scorers) == ("axis", False)
    assert [*config.panel.composition] == ["near", "far"]
    set_to = load("puppet", subject=car.kind, overrides=["loop.target=9", "base.recipes.naming.rank=2"])
    assert (set_to.loop.target, set_to.base.recipes["naming"].rank) == (9, 2)
    assert load("puppet", subject=car.kind, loop="one-picture").loop.target == 36


@pytest.mark.parametrize("kind", ["outfit", "style", "concept", "background", "asset"])
def test_a_profile_holds_for_the_phases_of_a_kind_too(kind):
    plain, config = load("sdxl", profile="12gb"), load("sdxl", subject=kind, profile="12gb")
    small = plain.finishing_recipe
    assert (small.batch_size, small.gradient_checkpointing) == (1, True)
    for phase in config.subject.phases:
        recipe = config.base.recipes[phase.name]
        assert (recipe.batch_size, recipe.gradient_checkpointing) == (1, True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outfits": {"a": {"tags": "hat"}}}, "outfits: a vehicle wears nothing"),
        ({"varies": {}}, "varies.weather: field required: name at least one, for example rain"),
        ({"trigger": None}, "trigger: field required: write a made-up word"),
        ({"trigger": None, "invariant": {}, "core": 3}, "trigger: .*invariant: must not be empty.*core"),
    ],
)
def test_what_a_kind_needs_is_asked_all_at_once(described, changes, message):
    with pytest.raises(CharacterError, match=message):
        load_character(described(**changes))


def test_what_a_kind_gets_wrong_is_said_all_at_once(described, tmp_path):
    path = tmp_path / "kinds" / "wrong.yaml"
    path.write_text(KIND.replace("target: 25", "target: many").replace("about:", "abuot:").replace("loop:", "loops:"))
    with pytest.raises(ConfigError, match=r"subject\.abuot: unknown field.*subject\.loops: unknown field"):
        load("puppet", subject=str(path))
    path.write_text(KIND.replace("loop: {target: 25}", "loop: many").replace("rank: 4", "rank: -4"))
    with pytest.raises(ConfigError, match=r"kind .*wrong.yaml: loop.*base.recipes.naming.rank"):
        load("puppet", subject=str(path))
    path.write_text(KIND.replace("refused", "forbidden").replace("crops: [whole]", "crops: [hole]"))
    with pytest.raises(ConfigError, match=r"panel.scorers.clip.crops|subject.needs.outfits.rule"):
        load("puppet", subject=str(path))


def test_the_schema_of_a_kind_has_what_it_needs(described):
    plain = character_schema()
    assert plain["required"] == ["name", "trigger", "invariant"]
    schema = character_schema(str(described().parent / "kinds" / "car.yaml"))
    assert "outfits" not in schema["properties"]
    assert "outfits" in plain["properties"]


def test_what_varies_must_be_an_axis(described, call):
    done = call("check", described(varies={"weather": ["fog"], "wether": ["fog"]}), "--base", "puppet")
    assert done.code == 2
    assert 'varies.wether: nothing of that name varies in the kind "car" (use one of: weather)' in done.out + done.err


def test_read_own_kind_by_set_file(described, tmp_path):
    (tmp_path / "own.yaml").write_text(f"subject: {described().parent / 'kinds' / 'car.yaml'}")
    assert load("puppet", own=read_own(tmp_path / "own.yaml")).loop.target == 25
