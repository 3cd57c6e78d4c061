"""`bootstrap tags`: a whole set cleaned, replaced, pruned and sorted, by a tagger's reading too."""

import json

import pytest
from PIL import Image

from bootstrap.config import configs_dir
from bootstrap.dataset.retagging import Retagging, biological
from tests.scoring.graphs_made import tagger

CAPTIONS = {
    "a": "forest, mikachr, long_hair, blue hair, smile, hatsune miku",
    "b": "mikachr, blue eyes, closed eyes, smile, forest, blurry",
    "c": "smile, forest_path, red hair ribbon, mikachr, She waves at a dog on the road.",
}
MIKA = {"name": "M", "trigger": "mikachr", "core": "1girl", "invariant": {"hair": "blue hair", "eyes": "golden eyes"}}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "set"
    place.mkdir()
    for name, caption in CAPTIONS.items():
        Image.new("RGB", (32, 32), "red").save(place / f"{name}.png")
        (place / f"{name}.txt").write_text(caption)
    (tmp_path / "character.json").write_text(json.dumps(MIKA))
    return place


def written(folder):
    return [path.read_text().strip() for path in sorted(folder.glob("*.txt"))]


def test_a_set_is_cleaned_replaced_pruned_and_sorted_by_frequency(folder, call):
    options = ("--character", folder.parent / "character.json", "--replace", "forest path=forest", "--drop", "blurry")
    done = call("tags", folder, *options)
    assert done.code == 0
    assert "nothing is written yet: add --write" in done.out
    assert written(folder) == list(CAPTIONS.values())
    assert call("tags", folder, *options, "--write").code == 0
    assert written(folder) == [
        "mikachr, 1girl, forest, smile",
        "mikachr, 1girl, forest, smile, closed eyes",
        "mikachr, 1girl, forest, smile, red hair ribbon, She waves at a dog on the road.",
    ]
    assert json.loads((folder / "captions-before-1.json").read_text())["a.png"] == CAPTIONS["a"]
    call("tags", folder, "--rare", 2, "--write")
    assert written(folder)[1] == "mikachr, 1girl, forest, smile"


def test_a_tagger_tags_pictures_without_captions(folder, call):
    tags = {"red_hair": (0.9, 0, 0), "smile": (0.8, 0, 0), "blue_eyes": (0.9, 0, 0), "sword": (0, 0.9, 0)}
    model = tagger(folder.parent / "tagger", tags)
    panel = folder.parent / "own.yaml"
    drawn = (configs_dir() / "scoring" / "drawn.yaml").read_text()
    panel.write_text(drawn.replace("model: wd-swinv2-tagger-v3", f"model: '{model}'"))
    for path in folder.glob("*.txt"):
        path.unlink()
    done = call("tags", folder, "--panel", panel, "--character", folder.parent / "character.json", "--write")
    assert done.code == 0
    assert written(folder) == ["mikachr, 1girl, smile"] * 3
    call("tags", folder, "--panel", panel, "--write")
    assert written(folder)[0] == "mikachr, 1girl, blue eyes, red hair, smile"


def test_what_cannot_be_done_is_one_line(folder, call, monkeypatch):
    assert "OLD=NEW" in call("tags", folder, "--replace", "forest").line
    assert "has no tagger" in call("tags", folder, "--panel", "puppet").line
    assert call("tags", folder / "nowhere").code == 2
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    lacking = call("tags", folder, "--panel", "drawn")
    assert "cannot tag: models.tagger.model" in lacking.line
    assert lacking.err.endswith("hint: bootstrap doctor --fetch wd-swinv2-tagger-v3, or leave --panel out\n")


@pytest.mark.parametrize(
    ("tag", "goes"),
    [("very long hair", True), ("golden eyes", True), ("closed eyes", False), ("hair ribbon", False), ("hair", False)],
)
def test_what_says_how_a_part_looks(tag, goes):
    assert biological(tag, ["blue hair", "golden eyes"]) == goes


def test_captions_keep_their_sentences_and_lose_no_trigger():
    made = Retagging(head=("mikachr",), rare=5).of([("smile", "mikachr", "A girl waves at the dog there.")])
    assert made == [("mikachr", "A girl waves at the dog there.")]


def test_unique_tags_are_put_where_their_part_is_seen(folder, call):
    unique = {**MIKA, "unique": {"hair": "azure mikachr hair", "eyes": "gold mikachr eyes"}}
    (folder.parent / "character.json").write_text(json.dumps(unique))
    assert call("tags", folder, "--character", folder.parent / "character.json", "--write").code == 0
    assert "mikachr, 1girl, azure mikachr hair, gold mikachr eyes, smile" in written(folder)[0]
    assert "mikachr, 1girl, azure mikachr hair, smile" in written(folder)[1], "closed eyes hide them"
