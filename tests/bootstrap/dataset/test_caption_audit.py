"""The audit of a folder: each fault injected once, and a sound set that passes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bootstrap.captions.conflicts import conflicts
from bootstrap.dataset.caption_audit import Intent, audit, read_set
from bootstrap.seeds.cuts import ALTERED_TAGS

VIEWS = ("from front", "from side", "from behind", "from above")
PLACES = ("forest", "beach", "room", "snow", "night")


def paint(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 255, (8, 9, 3), np.uint8)
    Image.fromarray(small).resize((90, 80), Image.Resampling.NEAREST).save(path)


@pytest.fixture
def folder(tmp_path):
    """Eight sound pictures as our own dataset writes them."""
    place = tmp_path / "10_mikachr"
    for n in range(8):
        paint(place / f"{n}.png", n)
        tags = ["mikachr", "1girl", "solo", "mikachr character focus", VIEWS[n % 4], PLACES[n % 5], "cel shading"]
        (place / f"{n}.txt").write_text(", ".join(tags) + "\n")
    return place


def found(folder, **intent):
    done = audit(folder, read_set(folder), Intent(**intent))
    return {(one.kind, one.severity): one for one in done.findings}, done


def retag(folder, *names, add=(), drop=()):
    for name in names:
        path = folder / f"{name}.txt"
        tags = [tag for tag in path.read_text().strip().split(", ") if tag not in drop]
        path.write_text(", ".join([*tags, *add]))


def test_a_sound_set_has_nothing_to_mend(folder, call):
    kinds, done = found(folder)
    assert kinds == {}
    assert done.sound
    assert done.triggers == ("mikachr",)
    assert done.shares["mikachr"] == 1
    done = call("audit", folder)
    assert done.code == 0
    assert "8 pictures, 8 captions, trigger mikachr" in done.out
    assert "nothing to mend" in done.out


def test_a_tag_in_nearly_every_caption_is_an_error_unless_it_is_meant(folder):
    retag(folder, *range(7), add=("white shirt",))
    kinds, done = found(folder)
    one = kinds["in every caption", "error"]
    assert one.message == '"white shirt" is in 88% of the captions'
    assert len(one.files) == 7
    assert not done.sound
    assert found(folder, everywhere=frozenset({"white shirt"}))[1].sound
    retag(folder, 0, drop=("white shirt",))  # 6 of 8: it varies
    assert found(folder)[1].sound


def test_one_style_switch_may_be_everywhere_a_second_style_may_not(folder):
    retag(folder, *range(8), add=("flat color",))
    assert '"flat color"' in found(folder)[0]["in every caption", "error"].message


def test_the_trigger_comes_first(folder):
    (folder / "3.txt").write_text("1girl, mikachr, from side")
    one = found(folder)[0]["trigger", "error"]
    assert (one.message, one.files) == ('"mikachr" is not the first tag', ("3.png",))
    other, _ = found(folder, trigger="zoe")
    assert len(other["trigger", "error"].files) == 8


def test_a_trigger_is_read_off_folders_or_first_tags_or_asked_for(folder, tmp_path):
    plain = folder.rename(tmp_path / "pictures")
    assert found(plain)[1].triggers == ("mikachr",)
    for n in range(8):
        (plain / f"{n}.txt").write_text(f"{PLACES[n % 5]}, {VIEWS[n % 4]}")
    assert found(plain)[0]["trigger", "warning"].hint == "name it: --trigger WORD"


@pytest.mark.parametrize(
    ("name", "head", "trigger"),
    [
        ("10_mikachr girl", "mikachr girl", "mikachr girl"),
        ("10_mikachr girl", "mikachr, girl", "mikachr girl"),
        ("10_mikachr", "a photo of mikachr girl", "mikachr"),
        ("10_mikachr", "mikachr is standing there", "mikachr"),
        ("10_mikachr", "mikachr ||| 1girl", "mikachr"),
        ("10_Mikachr", "mikachr, 1girl", "Mikachr"),
        ("10_mika_chr", "Mika Chr\n1girl", "mika_chr"),
    ],
)
def test_captions_of_other_trainers_are_sound(folder, name, head, trigger):
    other = folder.rename(folder.with_name(name))
    for n in range(8):
        (other / f"{n}.txt").write_text(f"{head}, {VIEWS[n % 4]}, {PLACES[n % 5]}")
    kinds, done = found(other, asks_core=False)
    assert kinds == {}
    assert done.triggers == (trigger,)


def test_a_trigger_inside_another_word_or_further_back_is_not_the_first(folder):
    for n, head in enumerate(("mikachrs, 1girl", "a girl, mikachr")):
        (folder / f"{n}.txt").write_text(f"{head}, forest")
    assert found(folder)[0]["trigger", "error"].files == ("0.png", "1.png")


def test_tags_are_compared_in_any_spelling_and_found_in_sentences(folder):
    for n in range(8):
        own = ("Red_Hair", "red hair", "A girl with red hair is waving")[n % 3]
        (folder / f"{n}.txt").write_text(f"mikachr, 1girl, White_Shirt, {own}, {PLACES[n % 5]}")
    (folder / "0.txt").write_text("mikachr, 1girl, white shirt, Red Hair, red_hair, room")
    kinds, _ = found(folder, absorbed=frozenset({"red hair"}))
    assert kinds["in every caption", "error"].message == '"white shirt" is in 100% of the captions'
    assert len(kinds["identity named", "error"].files) == 8
    assert kinds["tag twice", "warning"].files == ("0.png",)


def test_each_folder_has_its_own_trigger(folder, tmp_path):
    for n in range(4):
        paint(tmp_path / "5_mikanight" / f"{n}.png", 50 + n)
        (tmp_path / "5_mikanight" / f"{n}.txt").write_text(f"mikanight, 1girl, solo, {PLACES[n]}")
    assert found(tmp_path)[1].triggers == ("mikachr", "mikanight")
    assert found(tmp_path)[1].sound


def test_missing_empty_lonely_and_unreadable_captions_are_named(folder):
    (folder / "0.txt").unlink()
    (folder / "1.txt").write_text(" \n")
    (folder / "2.txt").write_bytes(b"\x83\x7e\x83\x4a, mikachr")
    (folder / "nobody.txt").write_text("mikachr")
    (folder.parent / "notes.txt").write_text("not a caption: no picture lies here")
    kinds, _ = found(folder.parent)
    assert kinds["caption missing", "error"].files == ("10_mikachr/0.png",)
    assert kinds["caption empty", "error"].files == ("10_mikachr/1.png",)
    assert "2.txt cannot be read" in kinds["unreadable", "error"].message
    assert kinds["caption alone", "warning"].files == ("10_mikachr/nobody.txt",)


def test_contradictions_are_named_with_their_pictures(folder):
    retag(folder, 2, add=("blue eyes",))
    retag(folder, 0, 1, add=("red hair", "blue hair"))
    done = found(folder)[1]
    messages = {one.message: one.files for one in done.findings if one.kind == "conflict"}
    assert messages == {
        '"from behind" and "blue eyes" in one caption': ("2.png",),
        '"red hair" and "blue hair" in one caption': ("0.png", "1.png"),
    }


@pytest.mark.parametrize(
    ("caption", "pairs"),
    [
        ("from behind, looking at viewer, smile", [("from behind", "looking at viewer"), ("from behind", "smile")]),
        ("from behind, looking back, looking at viewer, blue eyes, smile", []),
        ("pale blue hair, blue hair, long hair", []),
        ("golden eyes, yellow eyes", []),
        ("red eyes, blue eyes", [("red eyes", "blue eyes")]),
        ("red eyes, blue eyes, heterochromia", []),
        ("two-tone hair, red hair, black hair", []),
        ("closed eyes, green eyes", [("closed eyes", "green eyes")]),
        ("from_above, from_below", [("from above", "from below")]),
        ("standing, sitting, 1girl, 2girls", [("standing", "sitting"), ("1girl", "2girls")]),
        ("1girl, solo, full body, forest", []),
    ],
)
def test_what_contradicts_what(caption, pairs):
    assert conflicts(caption.split(", ")) == pairs


def test_copies_are_found_and_altered_ones_pass(folder):
    (folder / "8.png").write_bytes((folder / "0.png").read_bytes())
    (folder / "8.txt").write_text("mikachr, from front")
    with Image.open(folder / "1.png") as image:
        image.convert("L").save(folder / "9.png")
    (folder / "9.txt").write_text("mikachr, from side, monochrome")
    kinds, _ = found(folder)
    assert kinds["duplicate", "error"].files == ("0.png", "8.png")
    assert ("clone", "warning") not in kinds
    (folder / "9.txt").write_text("mikachr, from side")
    assert found(folder)[0]["grey", "warning"].files == ("9.png",)
    with Image.open(folder / "1.png") as image:
        image.point(lambda level: min(255, level + 5)).save(folder / "9.png")
    assert found(folder)[0]["clone", "warning"].files == ("9.png",)
    for tag in ALTERED_TAGS.values():
        (folder / "9.txt").write_text(f"mikachr, from side, {tag.replace(' ', '_')}")
        assert ("clone", "warning") not in found(folder)[0]
    with Image.open(folder / "9.png") as image:
        image.resize((image.width * 4 // 5, image.height)).save(folder / "9.png")
    (folder / "9.txt").write_text("mikachr, from side")
    assert ("clone", "warning") not in found(folder)[0], "it has another shape"


def test_copies_that_were_altered_alike_are_clones(folder):
    for number, name in enumerate(("1.png", "9.png")):
        with Image.open(folder / "1.png") as image:
            image.convert("L").point(lambda level, more=number: min(255, level + more)).save(folder / name)
        (folder / name).with_suffix(".txt").write_text("mikachr, from side, monochrome")
    assert found(folder)[0]["clone", "warning"].files == ("9.png",)


def test_what_is_no_picture_is_named(folder):
    (folder / "0.png").write_bytes(b"no picture")
    assert found(folder)[0]["unreadable", "error"].files == ("0.png",)


def test_identity_that_the_trigger_should_mean_is_said(folder, tmp_path, call):
    character = {
        "name": "M",
        "trigger": "mikachr",
        "invariant": {"hair": "red hair"},
        "outfits": {"a": {"tags": "hat"}},
    }
    (tmp_path / "character.json").write_text(json.dumps(character))
    retag(folder, *range(8), add=("hat",))
    retag(folder, 0, add=("red hair",))
    done = call("audit", folder, "--character", tmp_path / "character.json")
    assert done.code == 0
    assert 'identity named: "red hair" is what the trigger should mean' in done.out
    assert '"hat"' not in done.out  # its only outfit


def test_json_and_the_exit_code_tell_scripts(folder, call):
    retag(folder, 0, add=("solo",))
    done = call("audit", folder, "--json")
    plain = json.loads(done.out)
    assert done.code == 0  # a warning alone
    assert call("audit", folder, "--strict").code == 1
    assert (plain["sound"], plain["pictures"]) == (True, 8)
    assert plain["findings"][0]["kind"] == "tag twice"
    retag(folder, 0, add=("1girl", "multiple girls"))
    assert call("audit", folder, "--json").code == 1


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_what_is_no_dataset_is_one_line(tmp_path, call, place):
    (tmp_path / "empty").mkdir()
    done = call("audit", tmp_path / place)
    assert done.code == 2
    assert place in done.line


def test_a_panel_that_cannot_look_is_one_line(folder, call, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    done = call("audit", folder, "--panel", "drawn")
    assert done.code == 2
    assert "cannot look: models.clip.model" in done.line
    assert done.err.endswith(", or leave --panel out\n")
    assert "sees nothing" in call("audit", folder, "--panel", "fake").line


def test_a_panel_names_tags_that_pictures_contradict(tmp_path):
    from bootstrap.config import load_panel
    from bootstrap.dataset.caption_check import contradicted
    from bootstrap.panel.color_models import fake_panel_models
    from scoring.tagger import Tagger
    from tests.bootstrap.panel.test_seats import TAGS
    from tests.scoring.graphs_made import tagger

    panel = load_panel("drawn")
    tags = {**TAGS, "from_behind": (0.1, 0.1, 0.9), "watermark": (0.1, 0.9, 0.1)}
    reader = Tagger(tagger(tmp_path / "tagger", tags), panel.models.tagger.words)
    models = replace(fake_panel_models(), tagger=reader)
    place = tmp_path / "set"
    for name, color, tags in (
        ("right", (250, 20, 20), "m, red hair, forest"),
        ("hair", (20, 20, 250), "m, red hair, forest"),
        ("place", (250, 20, 20), "m, red hair, city street"),
        ("view", (250, 20, 20), "m, from behind"),
        ("marked", (20, 250, 20), "m, forest"),
    ):
        place.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), color).save(place / f"{name}.png")
        (place / f"{name}.txt").write_text(tags)
    seen = contradicted(place, read_set(place), models, panel, {"from behind": "behind"})
    messages = {one.files: one.message for one in seen}
    assert messages[("hair.png",)] == '"red hair" is not what the panel sees'
    assert messages[("place.png",)].startswith('"city street"')
    assert "does not show" in messages[("view.png",)]
    assert messages[("marked.png",)] == "the picture shows 'watermark'"
    assert {one.files: one.severity for one in seen}[("view.png",)] == "error"
    assert len(messages) == 4


def test_the_core_tag_is_in_every_caption_and_the_same_in_all(folder):
    assert ("core tag", "error") not in found(folder)[0]
    retag(folder, 3, drop=("mikachr character focus",))
    retag(folder, 5, add=("mika girl focus",), drop=("mikachr character focus",))
    retag(folder, 6, add=("eye focus",))
    errors = {one.message: one.files for one in found(folder)[1].findings if one.kind == "core tag"}
    assert errors == {
        'the core tag "mikachr character focus" is missing': ("3.png",),
        '"mika girl focus" is another core tag than "mikachr character focus"': ("5.png",),
    }
    meant = {one.message for one in found(folder, core_tag="mika girl focus")[1].findings if one.kind == "core tag"}
    assert '"mikachr character focus" is another core tag than "mika girl focus"' in meant
    retag(folder, *range(8), drop=("mikachr character focus", "mika girl focus"))
    assert 'add "mikachr character focus"' in found(folder)[0]["core tag", "warning"].hint.replace("--", "")


def test_one_background_needs_a_tag_of_its_own(folder, call):
    for n in range(8):
        tags = ["mikachr", "1girl", "solo", "mikachr character focus", VIEWS[n % 4], "school classroom"]
        (folder / f"{n}.txt").write_text(", ".join([*tags, "cel shading"]))
    told = found(folder)[0]["one background", "error"]
    assert told.message == '"school classroom" is the background of 100% of the captions'
    assert told.hint.endswith('--add "mikachr school classroom"')
    done = call("tags", folder)
    assert '--add "mikachr school classroom", a tag of its own' in done.out
    assert call("tags", folder, "--add", "mikachr, mikachr school classroom", "--write").code == 0
    assert found(folder)[0] == {}
    retag(folder, 0, 1, 2, drop=("school classroom",), add=("beach",))
    assert ("one background", "error") not in found(folder)[0]
