"""``bootstrap score``: any folder against seeds, with the state and the reason of every measurement."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bootstrap.panel.rating import asked_of
from bootstrap.store.files import write_image

RUBY = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
FRAMINGS = ("portrait", "full body")
VIEWS = {"from behind": "behind", "three-quarter view, facing left": "three-quarter", "from side": "profile"}


def painted(path, color):
    image = Image.new("RGB", (96, 96), (230, 230, 235))
    ImageDraw.Draw(image).ellipse((20, 10, 76, 66), color, (20, 20, 20))
    image.save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Three pictures: red, orange with a caption, blue in a folder below; and one that is none."""
    where = tmp_path / "pictures"
    (where / "more").mkdir(parents=True)
    painted(where / "red.png", (210, 60, 40))
    orange = painted(where / "orange.png", (200, 90, 50))
    orange.with_suffix(".txt").write_text("mikachr, from behind, portrait, red hair")
    painted(where / "more" / "blue.png", (40, 60, 210))
    (where / "text.png").write_text("I am a picture, honestly")
    painted(tmp_path / "seed.png", (215, 60, 40))
    return where


@pytest.fixture
def scored(call, folder):
    """The JSON of the folder on the fake panel."""
    done = call("score", folder, "--against", folder.parent / "seed.png", "--config", "fake", "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_the_most_alike_come_first_and_the_unreadable_last_with_the_reason(scored):
    assert [one["file"] for one in scored["pictures"]] == ["red.png", "orange.png", "more/blue.png", "text.png"]
    scores = [one["score"] for one in scored["pictures"]]
    assert scores[:3] == sorted(scores[:3], reverse=True)
    assert scores[3] is None
    assert "no picture that can be read" in scored["pictures"][3]["unreadable"]
    assert scored["sorted_by"] == "clip"


def test_every_measurement_has_its_state_and_reason(scored):
    red, orange = scored["pictures"][:2]
    assert set(red["measurements"]) == {"view", "traits", "defects", "copy", "clip"}
    for one in red["measurements"].values():
        assert one["state"] == ("measured" if one["value"] is not None else "not applicable")
        assert one["value"] is not None or one["why"]
    assert red["measurements"]["view"]["why"].startswith("no view was asked for")
    assert orange["measurements"]["view"]["state"] == "measured"
    assert (orange["view"], orange["measurements"]["traits"]["state"]) == ("behind", "measured")


def test_words_outside_the_vocabulary_are_named(scored):
    assert scored["pictures"][1]["unknown_words"] == ["mikachr"]
    assert scored["unknown_words"] == ["mikachr"]


def test_without_a_terminal_one_line_a_picture(call, folder):
    done = call("score", folder, "--against", folder.parent / "seed.png", "--config", "fake")
    rows = [line.split("\t") for line in done.out.splitlines() if "\t" in line]
    assert rows[0] == ["picture", "view family", "view", "traits", "defects", "copy", "clip", "fails"]
    assert [row[0] for row in rows[1:]] == ["red.png", "orange.png", "more/blue.png", "text.png"]
    assert "no scorer can check: mikachr" in done.out
    assert "not applicable" in done.out


def test_the_sheet_shows_them_in_that_order(call, folder, tmp_path):
    sheet = tmp_path / "sheet.png"
    arguments = ("--against", folder.parent / "seed.png", "--config", "fake", "--sheet", sheet)
    assert call("score", folder, *arguments).code == 0
    with Image.open(sheet) as image:
        third = image.width // 3
        colors = [image.getpixel((third * n + third // 2, 70)) for n in range(3)]
    assert colors[0][0] > 180
    assert colors[2][2] > 180


def test_a_seed_in_the_folder_is_not_compared_with_itself(call, folder):
    done = call("score", folder, "--against", folder / "red.png", "--config", "fake", "--json")
    assert "red.png" not in [one["file"] for one in json.loads(done.out)["pictures"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config", "pupet"], 'has no "pupet"'),
        (["--config", "none.yaml"], "no such file"),
        (["--config", "fake", "--base", "puppet"], "both name a panel"),
        (["--base", "pupet"], 'did you mean "puppet"'),
    ],
)
def test_what_cannot_be_used_is_one_line(call, folder, words, said):
    done = call("score", folder, "--against", folder.parent / "seed.png", *words)
    assert done.code == 2
    assert said in done.err


def test_a_folder_without_pictures_or_no_folder_is_one_line(call, tmp_path):
    (tmp_path / "empty").mkdir()
    given = ("--against", RUBY / "seed.png", "--config", "fake")
    assert "holds no picture" in call("score", tmp_path / "empty", *given).line
    assert "no such folder" in call("score", tmp_path / "nothing", *given).line
    assert "no such picture" in call("score", RUBY, "--against", tmp_path / "none.png", "--config", "fake").line


def test_what_was_asked_comes_from_the_caption_or_else_from_the_prompt_in_the_picture(tmp_path):
    path = painted(tmp_path / "a.png", "red")
    assert asked_of(path, VIEWS, FRAMINGS).tags == ()
    prompt = {"parameters": "mikachr, from_side, smile\nNegative prompt: from behind\nSteps: 20"}
    write_image(path, Image.new("RGB", (96, 96)), prompt)
    asked = asked_of(path, VIEWS, FRAMINGS)
    assert (asked.tags, asked.view_family) == (("mikachr", "from side", "smile"), "profile")
    path.with_suffix(".txt").write_text("x, three-quarter view, facing left, full body")
    assert (asked_of(path, VIEWS, FRAMINGS).view_family, asked_of(path, VIEWS, FRAMINGS).framing) == (
        "three-quarter",
        "full body",
    )


@pytest.mark.slow
def test_the_embedded_panel_judges_any_folder_says_so_and_looks_once(call, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copy(RUBY / "seed.png", tmp_path / "same.png")
    painted(tmp_path / "other.png", (40, 60, 210))
    done = call("score", tmp_path, "--against", RUBY / "seed.png", "--json")
    assert done.code == 0, done.err
    assert "judged by 'puppet', which knows puppets" in done.err
    pictures = {one["file"]: one for one in json.loads(done.out)["pictures"]}
    assert any(reason.startswith("copy") for reason in pictures["same.png"]["failures"])
    assert pictures["same.png"]["score"] > pictures["other.png"]["score"]
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert written, "what models saw is kept in the cache"
    assert call("score", tmp_path, "--against", RUBY / "seed.png", "--json").out == done.out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*") if path.is_file()} == written
