"""Folders of real life: what systems and programs put into them, names of other systems, a caption of two pictures."""

import json
import os
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.backends.masks import subject_mask
from bootstrap.character import Character
from bootstrap.errors import SeedError
from bootstrap.pictures import orphans, pictures_in, read_picture
from bootstrap.records import TrainItem
from bootstrap.seeds import gather
from bootstrap.seeds.checks import caption_warnings, names_of, passed_over, seed_warnings

RUBY = Path(__file__).parents[3] / "configs" / "characters" / "ruby"
NFC, NFD = (unicodedata.normalize(form, "루비 é") for form in ("NFC", "NFD"))
JUNK = (
    "._mika.png", "Thumbs.db", "desktop.ini", ".DS_Store", "mika-masklabel.png", "mika-condlabel.png", "mika_mask.png",
    ".ipynb_checkpoints/mika-checkpoint.png", "__MACOSX/x.png", "@eaDir/mika.png", "a/.thumbnails/b.png", "mika.psd",
)  # fmt: skip
TAKEN = ("mika.png", "mika.jfif", "mika.heic", "b.JXL", "c.tif", "gas_mask.png", "a/d.png")


@pytest.fixture
def folder(tmp_path):
    for name in (*JUNK, *TAKEN):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_pictures_are_taken_and_what_lies_beside_them_is_not(folder):
    found = [path.relative_to(folder).as_posix() for path in pictures_in(folder, levels=None)]
    assert found == sorted(TAKEN)


def test_a_folder_below_a_hidden_one_is_a_folder(tmp_path):
    (tmp_path / ".cache" / "set").mkdir(parents=True)
    (tmp_path / ".cache" / "set" / "a.png").touch()
    assert len(pictures_in(tmp_path / ".cache" / "set", levels=None)) == 1


@pytest.mark.parametrize(("on_disk", "said"), [(NFD, NFC), (NFC, NFD)])
def test_names_are_compared_in_one_form(tmp_path, on_disk, said):
    picture = tmp_path / f"{on_disk}.png"
    picture.touch()
    assert gather([tmp_path / f"{said}.png"]) == [picture]
    (tmp_path / f"{said}.txt").write_text("smile")
    assert read_picture(picture).tags == ("smile",)
    assert orphans(tmp_path, [picture]) == []
    assert unused(picture, f"{said}.png") == unused(picture, f"{said}.png#2") == []


def unused(picture, file):
    """The remarks on a note of such a file."""
    character = Character(name="M", trigger="mchr", invariant={"hair": "red hair"}, seeds=[{"file": file}])
    (name,) = names_of([picture])
    return seed_warnings({name: Image.radial_gradient("L").convert("1").convert("RGB")}, 64, 3, character)


def test_a_number_sign_may_be_part_of_a_name(tmp_path):
    for file in ("mika#2.png", "mika#2.png#1"):
        assert unused(tmp_path / "mika#2.png", file) == []
    assert len(unused(tmp_path / "mika.png", "mika#2.png")) == 1


def test_a_name_that_is_nowhere_is_said(tmp_path):
    with pytest.raises(SeedError, match="no such picture"):
        gather([tmp_path / "gone" / "a.png"])


def test_one_caption_of_two_pictures_is_said(tmp_path):
    pictures = [tmp_path / "a.jpg", tmp_path / "a.png"]
    (tmp_path / "a.txt").write_text("smile")
    (sentence,) = caption_warnings(pictures)
    assert sentence == '"a.txt" captions both "a.jpg" and "a.png": give each its own, "a.jpg.txt" and "a.png.txt"'
    assert caption_warnings(pictures[:1]) == []


def test_a_file_that_may_be_a_caption_and_is_not_read_is_said(tmp_path):
    pictures = [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"]
    for name in ("A.TXT", "b.png.json", "c.txt", "c.json"):
        (tmp_path / name).write_text("smile")
    (tmp_path / "a.json").write_text('{"trigger": "mchr"}')
    assert caption_warnings(pictures) == [
        '"A.TXT" beside "a.png" is not read: write the caption into "a.txt"',
        '"b.png.json" beside "b.png" is not read: write the caption into "b.txt"',
    ]
    (tmp_path / "A.TXT").rename(tmp_path / "A.txt")
    assert caption_warnings([*pictures, tmp_path / "A.png"]) == caption_warnings(pictures)[1:], "it is A's own"
    (tmp_path / "metadata.jsonl").write_text("{}")
    assert '"metadata.jsonl" beside "a.png" and "b.png" is not read' in caption_warnings(pictures)[1]


def test_files_that_look_like_pictures_and_are_not_read_are_named(tmp_path, call):
    for name in ("a.psd", "B.SVG", "c.jp2", "d.kra", "e.cr3", "work.psd", ".hidden.psd", "notes.doc"):
        (tmp_path / name).touch()
    told = '"B.SVG", "a.psd", "c.jp2", "d.kra" and 2 more are passed over, of a kind that is not read: save them as PNG'
    with pytest.raises(SeedError, match="0 pictures found") as refused:
        gather([tmp_path])
    assert refused.value.hint == told
    Image.radial_gradient("L").save(tmp_path / "work.png")
    (sentence,) = passed_over(gather([tmp_path]))
    assert sentence.startswith('"B.SVG", "a.psd", "c.jp2", "d.kra" and 1 more are passed over'), (
        "work.psd became work.png"
    )
    done = call("check", tmp_path, RUBY / "character.json", "--backend", "fake")
    assert sentence in done.out + done.err
    Image.linear_gradient("L").save(tmp_path / "other.png")
    assert passed_over([tmp_path / "work.png"]) == [], "of a folder that was not given"


def test_a_name_as_long_as_the_system_has_them_has_no_caption(tmp_path):
    long = tmp_path / ("é" * 125 + ".png")
    long.touch()
    assert pictures_in(tmp_path) == [long]
    assert read_picture(long).caption is None


def test_a_text_that_is_too_long_for_a_caption_is_not_read(tmp_path):
    (tmp_path / "a.txt").write_text("smile, " * 200_000)
    assert "more than 1 MB" in str(read_picture(tmp_path / "a.png").error)


def test_a_mask_of_onetrainer_is_a_mask(tmp_path):
    Image.new("L", (8, 8), 77).save(tmp_path / "a-masklabel.png")
    picture = Image.new("RGB", (4, 4))
    assert subject_mask(picture, TrainItem(str(tmp_path / "a.png"), (), "reg")).getpixel((0, 0)) == 77


@pytest.fixture
def shift_jis(tmp_path):
    """A folder as a zip from Windows is unpacked: its names are no UTF-8."""
    folder = tmp_path / os.fsdecode(b"\x83\x7e\x83\x4a")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    Image.effect_noise((128, 128), 50).save(tmp_path / "x.png")
    (tmp_path / "x.png").rename(folder / os.fsdecode(b"\x83\x7e.png"))
    facts = {"name": "M", "trigger": "mchr", "base": "puppet", "invariant": {"hair": "red hair"}}
    (folder / "character.json").write_text(json.dumps(facts))
    return folder


def test_names_that_are_no_utf8_run_to_the_end(call, shift_jis):
    given = [shift_jis, "--backend", "fake", "--target", "2", "--rounds", "1", "--out", shift_jis / "run"]
    assert call("check", *given).code == 0
    done = call("run", *given)
    assert done.code == 0, done.err
    assert call("status", shift_jis / "run").code == 0
    assert call("init", shift_jis, "--base", "puppet", "--out", shift_jis / "written.json").code == 0
    (shift_jis / "written.json").unlink()
    queued = call("queue", "add", *given, "--file", shift_jis / "queue.db")
    assert (queued.code, r"\udc83" in call("queue", "list", "--file", shift_jis / "queue.db").out) == (0, True)
