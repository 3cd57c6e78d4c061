"""One reader for every command that takes a folder of pictures with captions."""

import os
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bootstrap.errors import PictureError
from bootstrap.pictures import orphans, pictures_in, read_picture, read_pictures


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "10_mika" / "deep").mkdir(parents=True)
    for name in ("b.PNG", "a.jpg", ".hidden.png", "10_mika/c.png", "10_mika/deep/d.webp"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    (tmp_path / "notes.md").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def names(folder, pictures):
    return [path.relative_to(folder).as_posix() for path in pictures]


def test_pictures_are_sorted_and_found_as_deep_as_was_asked(folder):
    assert names(folder, pictures_in(folder)) == ["a.jpg", "b.PNG"]
    assert names(folder, pictures_in(folder, levels=1)) == ["10_mika/c.png", "a.jpg", "b.PNG"]
    assert names(folder, pictures_in(folder, levels=None))[:2] == ["10_mika/c.png", "10_mika/deep/d.webp"]


@pytest.mark.parametrize(("closed", "levels"), [(".", 0), ("10_mika", 1), ("10_mika/deep", None)])
def test_a_folder_that_cannot_be_read_is_told_and_not_left_out(folder, monkeypatch, closed, levels):
    scandir = os.scandir

    def denied(path):
        if Path(path) == folder / closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(PictureError, match=f'cannot read ".*{Path(closed).name}": Permission denied'):
        pictures_in(folder, levels)


def test_folders_of_systems_need_not_be_readable(folder, monkeypatch):
    scandir = os.scandir

    def denied(path):
        if Path(path).name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    (folder / "lost+found").mkdir()
    monkeypatch.setattr(os, "scandir", denied)
    assert len(pictures_in(folder, None)) == 4


def test_a_caption_stands_beside_its_picture(folder):
    (folder / "a.txt").write_bytes(b"\xef\xbb\xbfmika,  blue  hair,\n, smile\n")
    first, second = read_pictures(pictures_in(folder))
    assert (first.tags, first.origin, first.source) == (("mika", "blue hair", "smile"), "sidecar", folder / "a.txt")
    assert (second.caption, second.tags, second.origin) == (None, (), "")


@pytest.mark.parametrize("name", ["a.txt", "a.TXT", "a.caption", "a.Caption", "a.jpg.txt", "a.jpg.caption"])
def test_captions_have_the_names_that_tools_give_them(folder, name):
    (folder / name).write_text("mika, smile")
    assert read_picture(folder / "a.jpg").tags == ("mika", "smile")
    assert orphans(folder, pictures_in(folder, levels=None)) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_captions_of_other_encodings_are_read(folder, encoding):
    (folder / "a.txt").write_bytes("mika, café".encode(encoding))
    read = read_picture(folder / "a.jpg")
    assert (read.tags, read.error) == (("mika", "café"), None)


def test_a_caption_that_is_no_utf8_is_read_with_its_error(folder):
    (folder / "a.txt").write_bytes("café, night".encode("latin-1"))
    read = read_picture(folder / "a.jpg")
    assert isinstance(read.error, UnicodeDecodeError)
    assert read.tags[1] == "night"


def test_a_prompt_in_the_picture_counts_only_where_it_is_asked_for(folder):
    text = PngInfo()
    text.add_text("parameters", "mika, smile\nNegative prompt: frown\nSteps: 20")
    Image.new("RGB", (8, 8)).save(folder / "g.png", pnginfo=text)
    assert read_picture(folder / "g.png").caption is None
    read = read_picture(folder / "g.png", prompts=True)
    assert (read.tags, read.origin) == (("mika", "smile"), "prompt")
    (folder / "g.txt").write_text("own words")
    assert read_picture(folder / "g.png", prompts=True).origin == "sidecar"


def test_captions_without_a_picture_are_named_in_folders_that_hold_pictures(folder):
    (folder / "a.txt").write_text("mika")
    (folder / "gone.txt").write_text("mika")
    (folder / "papers").mkdir()
    (folder / "papers" / "letter.txt").write_text("dear")
    assert names(folder, orphans(folder, pictures_in(folder, levels=None))) == ["gone.txt"]
