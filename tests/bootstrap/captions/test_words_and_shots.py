from collections import Counter
from dataclasses import replace

import pytest

from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.records import Seed, Shot
from bootstrap.shots import Planner, apportion, quotas

CONFIG = load("puppet")
CHARACTER = Character(
    name="Mika",
    trigger="mikachr",
    invariant={"hair": "blue hair, long hair", "eyes": "yellow eyes", "tail": "cat tail", "marks": "heart birthmark"},
    outfits={
        "default": {"tags": "white shirt, blue skirt", "share": 0.5},
        "night": {"tags": "red dress", "trigger": "mikanight"},
    },
    expressions=["smile", "neutral expression", "closed eyes"],
)
WORDING = Wording(CHARACTER, CONFIG.views, CONFIG.subject, CONFIG.panel.vocabulary)
PLANNER = Planner(CHARACTER, CONFIG.views, CONFIG.subject)


def shot(**changes):
    place = {"view_family": "front", "view": "front", "framing": "full body"}
    axes = {
        "expression": "smile",
        "pose": "standing",
        "outfit": "default",
        "background": "forest",
        "style": "cel shading",
    }
    given = {name: changes.pop(name, value) for name, value in place.items()}
    return Shot(**given, take=changes.pop("take", 0), axes={**axes, **changes})


def test_style_captions_name_the_identity_and_character_captions_withhold_it():
    style, character = WORDING.caption(shot(), "style"), WORDING.caption(shot(), "character")
    assert {"blue hair", "long hair", "yellow eyes", "cat tail"} <= set(style)
    assert not set(CHARACTER.identity) & set(character)
    assert style[0] == character[0] == "mikachr"
    assert {"white shirt", "blue skirt", "from front", "forest"} <= set(character)


def test_what_a_view_or_a_framing_hides_is_neither_asked_nor_captioned():
    behind = shot(view_family="behind", view="behind", framing="portrait")
    prompt = WORDING.prompt(behind, WORDING.traits(behind))
    assert "yellow eyes" not in prompt
    assert "smile" not in prompt
    assert "cat tail" not in prompt
    assert "from behind" in prompt
    asleep = shot(expression="closed eyes")
    assert "yellow eyes" not in WORDING.prompt(asleep, WORDING.traits(asleep))


def test_a_tag_that_the_picture_does_not_show_is_dropped_from_the_caption():
    assert "forest" not in WORDING.caption(shot(), "style", unseen=["background"])


def test_words_that_no_scorer_knows_are_named():
    assert WORDING.unknown == ("heart birthmark",)


def test_a_tag_has_the_axis_of_the_word_it_ends_in_or_of_things_named_alike():
    assert WORDING.axis_of("pale blue hair", "?") == "hair_color"
    assert WORDING.axis_of("golden eyes", "?") == "eye_color"
    assert WORDING.axis_of("silver hair", "?") == "?"  # "hair" ends words of colour and of style
    assert WORDING.axis_of("heart birthmark", "?") == "?"


def test_an_axis_is_hidden_for_words_too_that_nobody_can_check():
    golden = CHARACTER.model_copy(update={"invariant": {"eyes": ("golden eyes",)}})
    wording = Wording(golden, CONFIG.views, CONFIG.subject, CONFIG.panel.vocabulary)
    behind = shot(view_family="behind", view="behind")
    assert "golden eyes" not in wording.prompt(behind, wording.traits(behind))
    assert "golden eyes" in wording.prompt(shot(), wording.traits(shot()))
    assert wording.unknown[0] == "golden eyes"


def test_outfit_trigger_stands_before_its_tags():
    tags = WORDING.caption(shot(outfit="night"), "character")
    assert tags.index("mikanight") < tags.index("red dress")


@pytest.mark.parametrize("total", [1, 7, 16, 40, 48, 100])
def test_quotas_add_up_and_follow_the_shares(total):
    cells = quotas(total, CONFIG.views)
    assert sum(cells.values()) == total
    assert min(cells.values()) >= 0
    families = Counter()
    for (view_family, _), count in cells.items():
        families[view_family] += count
    assert families == Counter(apportion(total, {n: p.share for n, p in CONFIG.views.families.items()}))


def test_forty_eight_reach_the_framing_shares_of_practice():
    framings = Counter()
    for (_, framing), count in quotas(48, CONFIG.views).items():
        framings[framing] += count / 48
    assert 0.15 <= framings["close-up"] <= 0.20
    assert 0.30 <= framings["upper body"] <= 0.36
    assert 0.25 <= framings["full body"] <= 0.30


def test_the_shipped_grid_holds_the_shares_of_practice_at_the_target_too():
    target = CONFIG.loop.target
    cells = quotas(target, CONFIG.views)
    families, framings = Counter(), Counter()
    for (view_family, framing), count in cells.items():
        families[view_family] += count / target
        framings[framing] += count / target
    for name, least, most in (
        ("close-up", 0.15, 0.20),
        ("upper body", 0.30, 0.36),
        ("portrait", 0.15, 0.21),
        ("full body", 0.25, 0.30),
    ):
        assert least <= framings[name] <= most, name
        assert least <= CONFIG.views.framings[name] <= most, name
    assert 0.05 <= families["behind"] <= 0.105
    assert CONFIG.subject.most_neutral <= 0.35
    assert min(families.values()) * target >= 2  # every view_family is seen more than once


def test_a_plan_is_even_new_and_always_the_same():
    wanted = quotas(48, CONFIG.views)
    first = PLANNER.plan(wanted, [])
    assert first == PLANNER.plan(wanted, [])
    more = PLANNER.plan(wanted, first)
    assert not {s.key for s in first} & {s.key for s in more}
    faces = Counter(s["expression"] for s in first)
    assert faces["neutral expression"] <= 0.35 * 48 + 1
    assert {s.view for s in first} >= {"profile-left", "profile-right"}
    assert 20 <= Counter(s["outfit"] for s in first)["default"] <= 28


def test_the_panel_asks_for_the_words_that_must_be_obeyed_in_turn():
    words = {"must_obey": ("from behind", "full body", "sitting", "rain", "frown", "night"), "expressions": ("frown",)}
    planner = Planner(CHARACTER.model_copy(update=words), CONFIG.views, CONFIG.subject)
    wanted = {("front", "full body"): 4, ("behind", "portrait"): 4}
    shots = planner.probe(wanted)
    assert Counter((s.view_family, s.framing) for s in shots) == wanted
    assert [s["pose"] == "sitting" for s in shots][::4] == [True, True]
    assert [s["background"] == "rain" for s in shots][1::4] == [True, True]
    assert [s["expression"] == "frown" for s in shots][2::4] == [True, True]
    assert [s["outfit"] == "night" for s in shots][3::4] == [True, True]
    assert PLANNER.probe(wanted) == PLANNER.plan(wanted, [])


def seed(name, style):
    return Seed(
        name, "0", name, "front", "front", "portrait", "default", ("expression=smile", f"style={style}"), "read"
    )


def test_a_style_that_nobody_named_is_the_seeds_or_left_unsaid():
    (unsaid,) = PLANNER.plan({("front", "portrait"): 1}, [])
    assert "style" not in unsaid.axes
    for words in (WORDING, replace(WORDING, dialect="prose")):
        assert "cel shading" not in words.prompt(unsaid, WORDING.traits(unsaid))
        assert "in the style" not in ", ".join(words.caption(unsaid, "style"))
    drawn = [seed("a.png", "sketch"), seed("b.png", ""), seed("c.png", "pastel"), seed("d.png", "sketch")]
    assert replace(PLANNER, seeds=drawn).shares("style") == {"sketch": 0.75, "pastel": 0.25}
    own = replace(PLANNER, seeds=drawn, character=CHARACTER.model_copy(update={"styles": ("flat color",)}))
    assert own.values("style") == ("flat color",)
