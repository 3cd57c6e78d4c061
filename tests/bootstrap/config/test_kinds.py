"""A kind of subject that only this test knows: its axes, phases and captions are a YAML file, no code."""

import pytest

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.compare.trial_shots import KNOWN, UNSEEN_OUTFIT, UNSEEN_POSE, trials_for
from bootstrap.config import configs_dir, load
from bootstrap.errors import ConfigError
from bootstrap.shots import Planner, quotas

KIND = """
phases:
  - {name: growing}
  - {name: naming, withholds: [identity, weather]}
  - {name: last, withholds: [identity, trigger, garment]}
axes:
  weather: {defaults: [rain, snow, low sun], sharing: first}
  garment: {words: outfits, sharing: stated}
  stance: {words: poses, defaults: [standing]}
  light: {defaults: [flat light, rim light, plain light], sharing: neutral}
guided: [weather, light]
other_words: stance
captions: [core, trigger, identity, own words, view, weather, framing, garment, light, stance]
hides: {snow: [light]}
neutral: [plain light]
most_neutral: 0.2
"""
VIEWS = """
families:
  facing: {share: 0.6, views: {facing: "facing viewer"}}
  away: {share: 0.4, views: {away: "facing away", far: "far away"}, hides: [stance]}
framings: {near: 0.5, wide: 0.5}
"""
HERO = Character(
    name="Hero", trigger="herochr", core="1boy", invariant={"hair": "red hair"}, poses=["running", "resting"],
    outfits={"plain": {"tags": "black coat", "share": 0.75}, "odd": {"tags": "green hat", "trigger": "herohat"}},
    must_obey="resting, green fog",
)  # fmt: skip
RECIPES = {"recipes": {"growing": {}, "naming": {}, "last": {}}}


@pytest.fixture
def config(tmp_path):
    for name, text in (("kind.yaml", KIND), ("views.yaml", VIEWS)):
        (tmp_path / name).write_text(text)
    own = {"subject": str(tmp_path / "kind.yaml"), "views": str(tmp_path / "views.yaml"), "base": RECIPES}
    phrases = {"facing": ["facing viewer"], "away": ["facing away", "far away"]}
    return load("puppet", own={**own, "panel": {"view_phrases": phrases}})


def test_its_shots_are_planned_by_its_own_axes(config):
    planner = Planner(HERO, config.views, config.subject)
    shots = planner.plan(quotas(40, config.views), [])
    assert {shot.view_family for shot in shots} == {"facing", "away"}
    assert {tuple(shot.axes) for shot in shots} == {("weather", "garment", "stance", "light")}
    assert planner.shares("weather") == {"rain": 0.75, "snow": 0.125, "low sun": 0.125}
    assert planner.shares("light")["plain light"] == pytest.approx(0.2)
    assert 27 <= sum(shot["garment"] == "plain" for shot in shots) <= 33
    first, second = planner.probe({("facing", "near"): 2})
    assert (first["stance"], second["stance"]) == ("resting", "green fog")


def test_its_prompts_and_captions_follow_its_order_and_its_phases(config):
    wording = Wording.of(HERO, config)
    shot = Planner(HERO, config.views, config.subject).plan({("facing", "wide"): 1}, [])[0]
    shot = shot.having({"weather": "rain", "garment": "odd", "stance": "running", "light": "rim light"})
    assert wording.caption(shot, "growing") == (
        "1boy", "herochr", "red hair", "facing viewer", "rain", "wide", "herohat", "green hat", "rim light", "running",
    )  # fmt: skip
    assert wording.caption(shot, "naming") == (
        "1boy", "herochr", "facing viewer", "wide", "herohat", "green hat", "rim light", "running",
    )  # fmt: skip
    assert wording.caption(shot, "last") == ("1boy", "facing viewer", "rain", "wide", "rim light", "running")
    snow = shot.having({"weather": "snow"})
    assert wording.prompt(snow, wording.traits(snow)) == (
        "1boy, herochr, red hair, facing viewer, snow, wide, herohat, green hat, running"
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("guided: [weather, light]|guided: [wether]", 'guided "wether" is none of weather, garment'),
        ("withholds: [identity, weather]|withholds: [idenity]", 'phases.naming.withholds "idenity" is none of'),
        (", light, stance]|, light]", "captions must name each part once"),
        ("stance: {words: poses, defaults: [standing]}|stance: {words: poses}", "axes.stance: write defaults"),
        ("words: poses|words: posses", 'axes.stance.words "posses"'),
    ],
)
def test_a_kind_that_does_not_fit_together_says_where(tmp_path, changed, message):
    old, new = changed.split("|")
    (tmp_path / "kind.yaml").write_text(KIND.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load("puppet", own={"subject": str(tmp_path / "kind.yaml"), "base": RECIPES})


def test_view_families_are_those_of_the_views_file(config):
    assert list(config.views.families) == ["facing", "away"]
    with pytest.raises(ConfigError, match='the view "front" occurs in two families'):
        load("puppet", own={"views": {"families": {"above": {"views": {"front": "from front"}}}}})


def test_a_whole_run_of_it_from_one_command(call, tmp_path):
    (tmp_path / "kind.yaml").write_text(KIND)
    (tmp_path / "own.yaml").write_text(f"""
        subject: {tmp_path / "kind.yaml"}
        backend: fake
        base: {{recipes: {{growing: {{steps: 4}}, naming: {{steps: 4}}, last: {{steps: 4}}}}}}
        loop: {{target: 6, goals: [2], rounds: 2, waves: 1, lookalikes: 24, exchanged: 0, most_decoys: 24,
                showcase: 1}}
    """)
    ruby = configs_dir() / "characters" / "ruby"
    done = call("run", ruby, "--config", tmp_path / "own.yaml", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    captions = [path.read_text() for path in (tmp_path / "run" / "dataset").glob("*/*.txt")]
    assert captions
    assert not [text for text in captions if "rubychr" in text or "red hair" in text]
    assert all(text.startswith("1girl, solo, ") for text in captions)
    assert call("status", tmp_path / "run").code == 0


def test_it_is_compared_in_poses_and_outfits_by_its_own_axes(config):
    trials = trials_for(HERO, config, 2, outfit="red cape")
    changed = {UNSEEN_POSE: ("stance", trials.pose), UNSEEN_OUTFIT: ("garment", "never worn")}
    assert set(trials.tests) == {KNOWN, *changed}
    for shot, test in zip(trials.shots, trials.tests, strict=True):
        assert tuple(shot.axes) == ("weather", "garment", "stance", "light")
        assert shot.framing in config.views.framings
        if test in changed:
            axis, value = changed[test]
            assert shot[axis] == value
    axes = {name: axis for name, axis in config.subject.axes.items() if name not in ("stance", "garment")}
    still = config.model_copy(update={"subject": config.subject.model_copy(update={"axes": axes})})
    assert set(trials_for(HERO, still, 2).tests) == {KNOWN}
