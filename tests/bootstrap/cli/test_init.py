"""bootstrap init writes a file that loads, overwrites nothing, and says what it could not read."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from bootstrap.character import load_character
from bootstrap.cli import init, init_page
from bootstrap.cli.app import app
from bootstrap.errors import BackendError, ConfigError, OutputError, UsageError
from bootstrap.panel.color_models import fake_panel_models
from scoring.faces_found import FoundFace


class Faces:
    """Two faces in every picture of 200 pixels."""

    fingerprint = "faces"

    def look(self, pictures):
        pass

    def faces(self, picture):
        count = 2 if picture.image.width == 200 else 1
        return [FoundFace((0, 0, 1, 1), 40.0, 0.9, 0.0, None)] * count


@pytest.fixture
def picture(tmp_path, monkeypatch):
    def reader(images, phrases, *, heads):
        return (phrases[1], 3.0) if "black hair" in phrases else ("", 0.2)

    def read(image, phrases):
        return phrases[0] if "from front" in phrases else ""

    def foreign(images):
        return ["a photograph" if image.width == 100 else "" for image in images]

    monkeypatch.setattr(init, "open_readers", lambda config: (reader, read, Faces(), None, foreign, lambda images: {}))
    monkeypatch.setattr(init, "reader_of", lambda models, panel: reader)
    folder = tmp_path / "kiki"
    folder.mkdir()
    Image.new("RGB", (128, 128), "red").save(folder / "seed.png")
    return folder / "seed.png"


def call(*arguments):
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


def test_the_file_loads_and_the_terminal_says_what_is_open(picture, tmp_path):
    out = tmp_path / "c.json"
    done = call(picture, "--base", "puppet", "--out", out)
    assert done.exit_code == 0, done.exception
    character = load_character(out)
    assert (character.name, character.trigger, character.base) == ("Kiki", "kikichr", "puppet")
    assert character.identity == ("brown hair",)
    assert character.seeds[0].view == "front"
    assert "could not read framing, expression, pose" in done.stdout
    assert f"bootstrap check {picture} {out}" in done.stdout


def test_a_description_is_written_out_for_correction(picture, tmp_path):
    parts = [{"name": "eyes", "description": "golden", "position": []}]
    parts += [{"name": "shirt", "description": "white", "position": []}]
    (tmp_path / "d.json").write_text(json.dumps({"description": "He waits.", "object": parts}))
    done = call(picture, "--base", "puppet", "--out", tmp_path / "c.json", "--description", tmp_path / "d.json")
    assert done.exit_code == 0, done.exception
    character = load_character(tmp_path / "c.json")
    assert character.invariant == {"eyes": ("golden eyes",)}
    assert character.wardrobe["default"].tags == ("white shirt",)
    assert character.core == ("1boy", "solo")
    assert character.name == "d"
    assert "the description was read as eyes: golden eyes; outfit: white shirt" in done.stdout


def test_nothing_is_overwritten(picture, tmp_path):
    out = tmp_path / "c.json"
    out.write_text("mine")
    assert isinstance(call(picture, "--base", "puppet", "--out", out).exception, OutputError)
    assert out.read_text() == "mine"


def test_without_a_base_the_whole_command_is_proposed(picture, tmp_path):
    error = call(picture, "--out", tmp_path / "c.json").exception
    assert isinstance(error, ConfigError)
    assert f"bootstrap init {picture} --out {tmp_path / 'c.json'} --base puppet" in str(error)


def test_each_figure_of_a_sheet_has_an_entry(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(init, "panel_models_of", lambda panel: fake_panel_models())
    image = Image.new("RGB", (400, 300), "white")
    image.paste("red", (30, 30, 150, 270))
    image.paste("blue", (230, 30, 350, 270))
    image.save(picture)
    assert call(picture, "--base", "puppet", "--out", tmp_path / "c.json").exit_code == 0
    assert [note.file for note in load_character(tmp_path / "c.json").seeds] == ["seed.png#1", "seed.png#2"]


def test_a_second_character_is_reported(picture, tmp_path):
    Image.new("RGB", (200, 128), "red").save(picture)
    assert '"seed.png" shows 2 faces' in call(picture, "--base", "puppet", "--out", tmp_path / "c.json").stdout


@pytest.mark.parametrize("command", ["init", "check", "schema"])
def test_help_shows_an_example(command):
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert f"bootstrap {command} " in done.stdout


def test_of_many_pictures_those_that_are_taken_are_described_and_the_others_named(tmp_path, monkeypatch):
    monkeypatch.setattr(init, "panel_models_of", lambda panel: fake_panel_models())
    folder = tmp_path / "kiki"
    folder.mkdir()
    for number in range(6):
        image = Image.new("RGB", (128, 128), (220, 40 * number, 60))
        image.paste("black", (10 * number, 20, 10 * number + 20, 60 + 8 * number))
        image.save(folder / f"{number}.png")
    Image.new("RGB", (128, 128), "red").save(folder / "blank.png")
    done = call(folder, "--base", "puppet", "--out", tmp_path / "c.json")
    assert done.exit_code == 0, done.exception
    written = json.loads((tmp_path / "c.json").read_text())
    assert written["name"] == "Kiki", "of the folder: no picture stands for all"
    assert sorted(note["file"] for note in written["seeds"]) == [f"{number}.png" for number in range(6)]
    assert '"blank.png" is set aside: it is blank' in done.stdout


@pytest.fixture
def served(monkeypatch):
    """The draft of the page that a command opens, in place of serving it."""
    opened = []
    monkeypatch.setattr(init_page, "listen", lambda address: None)
    monkeypatch.setattr(init_page, "serve_app", lambda app, listening: None)
    keep = init_page.open_draft

    def open_draft(*sources, **options):
        opened.append(keep(*sources, **options))
        return opened[-1]

    monkeypatch.setattr(init_page, "open_draft", open_draft)
    return opened


def test_the_page_opens_on_what_was_read_and_writes_nothing_yet(picture, tmp_path, served):
    out = tmp_path / "c.json"
    out.write_text("another's")
    done = call(picture, "--base", "puppet", "--page", "--no-open", "--out", out)
    assert done.exit_code == 0, done.exception
    assert "page    http://127.0.0.1:8385/  (Ctrl-C ends it)" in done.stdout
    (draft,) = served
    assert {row.part: row.tags for row in draft.form().invariant}["hair_color"] == "brown hair"
    assert draft.next_commands[0] == f"bootstrap check {picture} {out}"
    assert out.read_text() == "another's"


def test_a_file_is_opened_with_the_pictures_that_it_names(picture, served):
    file = picture.parent / "mine.json"
    content = {"name": "Kiki", "trigger": "kikichr", "base": "puppet", "invariant": {"hair": "red hair"}, "poses": []}
    file.write_text(json.dumps(content | {"seeds": [{"file": "seed.png"}, {"file": "gone.png"}]}))
    assert call("--edit", file, "--no-open").exit_code == 0
    (draft,) = served
    assert [one.file for one in draft.pictures] == ["seed.png"]
    assert (draft.out, draft.form().name) == (file, "Kiki")
    file.write_text(json.dumps(content | {"invariant": ["hair"]}))
    assert "named parts" in str(call("--edit", file, "--no-open").exception)


def test_without_a_panel_the_page_opens_with_blanks(picture, tmp_path, served, monkeypatch):
    def missing(config):
        raise BackendError("models.clip is not on this machine", "hf download it")

    monkeypatch.setattr(init, "open_readers", missing)
    assert call(picture, "--base", "puppet", "--page", "--no-open", "--out", tmp_path / "c.json").exit_code == 0
    (draft,) = served
    assert {row.part: row.tags for row in draft.form().invariant} == {"hair": "", "eyes": ""}
    assert draft.notes[0].startswith("nothing was read: models.clip is not on this machine")
    assert isinstance(call("--page").exception, UsageError)


def test_nothing_is_read_off_a_picture_that_the_panel_does_not_know(picture, tmp_path):
    Image.new("RGB", (100, 128), "red").save(picture.parent / "photo.png")
    done = call(picture, picture.parent / "photo.png", "--base", "puppet", "--out", tmp_path / "both.json")
    assert done.exit_code == 0, done.exception
    assert '"photo.png" looks like a photograph: the panel of puppet does not know such pictures' in done.stdout
    both = load_character(tmp_path / "both.json")
    assert [note.view for note in both.seeds] == ["front", ""]
    assert both.identity == ("brown hair",)
    alone = call(picture.parent / "photo.png", "--base", "puppet", "--out", tmp_path / "alone.json")
    assert "hair_color   not read: the panel does not know such pictures" in alone.stdout
    assert json.loads((tmp_path / "alone.json").read_text())["invariant"]["hair_color"] == ""
