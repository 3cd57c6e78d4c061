"""Taggers of two signatures, read as words; and the checks that need the absence of a tag."""

import numpy as np
import pytest
from PIL import Image

from scoring.clip import ScorerUnavailable
from scoring.features import Features
from scoring.tagger import Tagger, log_odds, tag_of
from scoring.tags import TagAbsence, TagRule, TagSubjects, TagView
from scoring.zeroshot import TraitCheck
from tests.scoring.graphs_made import tagger

RED, GREEN, BLUE = (0.98, 0.02, 0.02), (0.02, 0.98, 0.02), (0.02, 0.02, 0.98)
TAGS = {"red_hair": RED, "blue_hair": BLUE, "from_behind": BLUE, "from_side": GREEN, "multiple_girls": GREEN}


def odds(value):
    return float(log_odds(np.array([value], np.float32))[0])


@pytest.fixture
def wd(tmp_path):
    return Tagger(tagger(tmp_path / "wd", TAGS))


@pytest.mark.parametrize(
    ("last", "output", "columns"),
    [
        (True, "output", "tag_id,name,category,count"),
        (False, "prediction", "id,tag_id,name,category"),
        (False, "logits", "id,tag_id,name,category"),
    ],
)
def test_both_signatures_see_the_colours_they_are_shown(tmp_path, last, output, columns):
    read = Tagger(tagger(tmp_path, {"red_hair": (1, 0, 0), "blue_hair": (0, 0, 1)}, last, output, columns=columns))
    row = read.embed([Image.new("RGB", (64, 64), (255, 0, 0))])[0]
    low = 0.0 if last else -1.0  # PixAI's channels reach from -1 to 1
    expected = [1.0, low] if output == "logits" else [odds(1.0), odds(low)]
    assert row == pytest.approx(expected, abs=1e-3)


def test_wd_pads_with_white_and_pixai_squashes(tmp_path):
    tall = Image.new("RGB", (10, 40), (0, 0, 255))
    padded = Tagger(tagger(tmp_path / "wd", {"a": (1, 0, 0)})).embed([tall])[0]
    squashed = Tagger(tagger(tmp_path / "pixai", {"a": (1, 0, 0)}, last=False)).embed([tall])[0]
    assert padded == pytest.approx([odds(0.75)], abs=0.05)  # three quarters of the square are white
    assert squashed == pytest.approx([odds(-1.0)])


def test_transparency_is_white(tmp_path):
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert Tagger(tagger(tmp_path, {"a": (1, 0, 0)})).embed([clear])[0] == pytest.approx([odds(1.0)], abs=1e-3)


def test_words_are_tags_with_underscores_or_by_another_name(tmp_path):
    read = Tagger(tagger(tmp_path, TAGS), words={"the back": "from_behind"})
    assert tag_of("From behind ") == "from_behind"
    assert read.knows("red hair")
    assert not read.knows("golden hair")
    assert read.embed_words(["the back"]).argmax() == list(TAGS).index("from_behind")
    with pytest.raises(ValueError, match="no tag for 'golden hair'"):
        read.embed_words(["golden hair"])


def test_it_stands_where_a_clip_stands(wd, paint):
    check = TraitCheck(wd, Features(), {"hair_color": ["red hair", "blue hair"]}, axes=["hair_color"])
    asked = {"hair_color": "red hair"}
    red, blue = check.score([paint("red", **asked), paint("blue", **asked)])
    assert red.value == pytest.approx(2 * odds(0.98), abs=0.01)
    assert blue.value == pytest.approx(-red.value)
    assert "hair_color" in blue.why


def test_a_view_is_what_it_shows_and_does_not_show(wd, paint):
    rules = {
        "front": TagRule(never=("from behind", "from side")),
        "behind": TagRule(shows=("from behind", "facing away"), never=("from side",)),
        "above": TagRule(shows=("from above",)),
    }
    view = TagView(wd, Features(), rules, seen=0.35, unseen=0.6)
    shown = [paint("red"), paint("blue"), paint("blue", view_family="behind"), paint("red", view_family="behind")]
    front, back_asked_front, behind, front_asked_behind = view.score(shown)
    assert front.value > 0 < behind.value
    assert back_asked_front.why == "shows 'from behind' (0.98)"
    assert back_asked_front.value == pytest.approx(odds(0.6) - odds(0.98), abs=1e-3)
    assert front_asked_behind.why == "does not show 'from behind' (0.02)"
    none, unruled = view.score([paint("red", view_family="above"), paint("red", view_family="below")])
    assert none.value is unruled.value is None
    assert "above" in none.why


def test_one_subject_passes_and_several_are_named(wd, tmp_path, paint):
    one, many = TagSubjects(wd, Features()).score([paint("red"), paint("green")])
    assert one.value > 0 > many.value
    assert many.why == "shows 'multiple girls' (0.98)"
    couple = Tagger(tagger(tmp_path / "couple", {"1girl": (1, 0, 1), "1boy": (0, 0, 1)}))
    alone, both = TagSubjects(couple, Features()).score([paint("red"), paint("blue")])
    assert alone.value > 0 > both.value
    assert "1girl and 1boy" in both.why
    mute = Tagger(tagger(tmp_path / "mute", {"red_hair": RED}))
    assert TagSubjects(mute, Features()).score([paint("red")])[0].value is None


def test_a_watermark_fails_where_the_tagger_has_a_tag_for_it(wd, paint):
    marks = TagAbsence(wd, Features(), ("multiple girls", "watermark"))
    clean, marked = marks.score([paint("red"), paint("green")])
    assert clean.value > 0 > marked.value
    assert marked.why == "shows 'multiple girls' (0.98)"
    assert TagAbsence(wd, Features(), ("watermark",)).score([paint("red")])[0].value is None


def test_no_pictures_no_answers(wd):
    assert TagSubjects(wd, Features()).score([]) == TagView(wd, Features(), {}).score([]) == []


def test_what_is_no_tagger_is_named(tmp_path):
    with pytest.raises(ScorerUnavailable, match=r"tagger: no file '.*model\.onnx'"):
        Tagger(tmp_path)
    tagger(tmp_path / "a", TAGS)
    (tmp_path / "a" / "selected_tags.csv").write_text("name\nred_hair\n")
    with pytest.raises(ScorerUnavailable, match="has 1 tags, the graph 5"):
        Tagger(tmp_path / "a")
    (tmp_path / "a" / "selected_tags.csv").write_text("word\nred_hair\n")
    with pytest.raises(ScorerUnavailable, match="no list of tags"):
        Tagger(tmp_path / "a")
    (tmp_path / "a" / "selected_tags.csv").write_text("name\nred_hair\nred_hair\n")
    with pytest.raises(ScorerUnavailable, match="names a tag twice"):
        Tagger(tmp_path / "a")


def test_checks_expire_with_their_settings(wd):
    rules = {"front": TagRule(never=("from behind",))}
    prints = {TagView(wd, Features(), rules, unseen=unseen).fingerprint for unseen in (0.5, 0.6)}
    assert len(prints) == 2
