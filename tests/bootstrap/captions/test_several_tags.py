"""Every tag that a person wrote reaches prompts and captions, several of one axis included."""

import pytest
from PIL import Image

from bootstrap.captions.several_tags import axis_in, joined_by_axis, numbered
from bootstrap.captions.vocabulary import Vocabulary, crowded_axes
from bootstrap.captions.wording import Wording
from bootstrap.character import Character
from bootstrap.config import load
from bootstrap.dataset.originals import seed_items
from bootstrap.records import Shot
from bootstrap.seeds import SeedCaptioner, unread

LAYERS = ("white shirt", "blue jacket", "red skirt", "black pants")
PLAIN = {"name": "M", "trigger": "mchr", "invariant": {"hair": "red hair", "eyes": "green eyes"}}
AXES = {
    "expression": "smile",
    "pose": "standing",
    "outfit": "default",
    "background": "forest",
    "style": "cel shading",
}


def wording(base="puppet", **more):
    return Wording.of(Character(**PLAIN, **more), load(base))


def caption(folder, text, words, framing="upper body"):
    """The caption of a whole seed whose sidecar holds this text."""
    Image.new("RGB", (96, 96), "red").save(folder / "s.png")
    (folder / "s.txt").write_text(text)
    captioner = SeedCaptioner(words, lambda image, phrases: "")
    with Image.open(folder / "s.png") as image:
        seed = captioner.caption(folder / "s.png", "s.png", "0", image.convert("RGB"))
    composition = load("puppet").panel.composition
    return seed_items(seed, 0, folder, captioner, composition, 96, "character")[0].tags, seed, captioner


def in_order(tags, found):
    places = [found.index(tag) for tag in tags]
    return places == sorted(places)


@pytest.mark.parametrize("base", ["puppet", "illustrious", "sd15"])
def test_the_layers_of_an_outfit_are_all_worn(base):
    words = wording(base, outfits={"default": {"tags": list(LAYERS), "trigger": "mday"}})
    shot = Shot("front", "front", "full body", AXES)
    for text in (words.prompt(shot, words.traits(shot)), ", ".join(words.caption(shot, "character", unseen=["top"]))):
        assert in_order(LAYERS, text)
        assert "mday" in text
    near = Shot("front", "front", "portrait", AXES)  # hides what is below
    if base == "puppet":
        assert "red skirt" not in words.prompt(near, {})
        assert "black pants" not in words.prompt(near, {})


def test_a_warning_names_what_a_base_may_not_draw():
    words = wording(outfits={"default": {"tags": list(LAYERS)}, "night": {"tags": "red dress"}})
    first, second = crowded_axes(words.character, words.vocabulary)
    assert first.startswith('outfits.default: "white shirt", "blue jacket" are tags of one axis (top)')
    assert '"red skirt", "black pants"' in second
    assert crowded_axes(words.character, Vocabulary({})) == []


@pytest.mark.parametrize("base", ["puppet", "illustrious"])
def test_every_tag_of_a_sidecar_is_captioned_in_order(tmp_path, base):
    tags = ["smile", "open mouth", "forest", "night", "standing", "waving", "=_=", "holding sword"]
    found, seed, _ = caption(tmp_path, "from front, upper body, " + ", ".join(tags), wording(base))
    assert in_order(tags, found)
    assert unread(seed) == ("style",)


def test_a_caption_in_prose_says_each_of_them(tmp_path):
    text = "smile, open mouth, forest, night, standing, waving, blush, long hair, red eyes, blue jacket"
    found, *_ = caption(tmp_path, text, wording("sd15"))
    assert found == (
        "mchr", "a girl", "wearing a blue jacket", "smiling, with an open mouth",
        "standing and waving in a forest at night", "blush", "long hair", "red eyes",
    )  # fmt: skip


def test_an_entry_of_seeds_is_captioned_whole_too(tmp_path):
    tags = ["smile", "open mouth", "forest", "night"]
    words = wording(seeds=[{"file": "s.png", "view": "front", "framing": "upper body", "tags": tags}])
    captioner = SeedCaptioner(words, lambda image, phrases: "")
    seed = captioner.caption(tmp_path / "s.png", "s.png", "0", Image.new("RGB", (96, 96)))
    assert in_order(tags, words.seed_caption("character", captioner.shown(seed)))


def test_a_sidecar_names_its_outfit_by_the_tags(tmp_path):
    words = wording(outfits={"day": {"tags": "white shirt"}, "night": {"tags": "red dress, black hat"}})
    found, seed, _ = caption(tmp_path, "red dress, white shirt, smile", words)
    assert seed.outfit == "day"  # as many tags as of the other, and the first
    assert {"red dress", "white shirt"} <= set(found)
    found, seed, _ = caption(tmp_path, "red dress, black hat, smile", words)
    assert seed.outfit == "night"


def test_what_the_sidecar_does_not_say_is_taken_from_seeds(tmp_path):
    note = {"file": "s.png", "view": "behind", "framing": "portrait", "tags": "forest, standing, glasses"}
    _, seed, _ = caption(tmp_path, "from side, facing left, night", wording(seeds=[note]))
    assert (seed.view, seed.framing) == ("profile-left", "portrait")
    assert [tag.partition("=")[2] for tag in seed.tags if not tag.endswith("=")] == ["night", "standing", "glasses"]


def test_what_a_view_hides_and_a_person_wrote_is_captioned(tmp_path):
    found, *_ = caption(tmp_path, "from behind, full body, smile", wording())
    assert "smile" in found


def test_capitals_and_underscores_hide_no_identity(tmp_path):
    found, seed, _ = caption(tmp_path, "Red_Hair, Green Eyes, Smile, From Behind, Upper Body, 1Girl", wording())
    assert found[:3] == ("mchr", "1girl", "solo")
    assert not {"red hair", "green eyes"} & {tag.lower() for tag in found}
    assert (seed.view, seed.framing) == ("behind", "upper body")
    assert "smile" in found


def test_keys_are_numbered_where_an_axis_has_several_tags():
    found = numbered([("top", "a"), ("tag", "b"), ("top", "c"), ("top 1", "d")])
    assert list(found.values()) == ["a", "b", "c", "d"]
    assert len(found) == 4
    assert {axis_in(key) for key in found} == {"top", "tag"}
    assert joined_by_axis({"pose 1": "a", "pose 2": "b"}) == {"pose": "a, b"}
