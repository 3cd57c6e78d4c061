"""A drawer that sends pictures away, or whose licence is not commercial, is agreed to once; what check says of it."""

import pytest

from bootstrap.backends.outside.comfyui_settings import ComfyUiSettings
from bootstrap.backends.outside.folder_settings import FolderSettings
from bootstrap.config import configs_dir, load, shipped_names
from bootstrap.errors import ConfigError
from bootstrap.runs.consents import consents_to, remember_consents, unanswered
from bootstrap.store.store import Store
from tests.loops.conftest import TINY, described


@pytest.fixture
def given(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    return [*described(tmp_path, TINY), "--out", str(tmp_path / "run")]


def test_pictures_leave_this_machine_only_when_somebody_agreed(given, call, tmp_path):
    drawer = ["--drawer", "openai", "--spend", "3"]
    for command in ("run", "check"):
        done = call(command, *given, *drawer)
        assert (done.code, (tmp_path / "run").exists()) == (2, False)
        assert 'the drawer "openai" sends your pictures and words to api.openai.com' in done.line
        assert "agree with --allow-upload" in done.err
    done = call("check", *given, *drawer, "--allow-upload")
    assert done.code == 0, done.err
    for line in ("drawer     openai (gpt-image-1.5): about", "no more than 3 USD are spent (--spend)", "--allow-upload",
                 "licence    of the drawer: OpenAI Terms of Use", "models that compete with OpenAI"):  # fmt: skip
        assert line in done.out
    elsewhere = ["--drawer", "comfyui", "--workflow", tmp_path / "character.json", "--server", "http://10.0.0.9:8188"]
    assert 'the drawer "comfyui" sends your pictures and words to 10.0.0.9' in call("check", *given, *elsewhere).err


def test_check_prints_what_two_drawers_take(given, call):
    done = call("check", *given, "--drawer", "klein", "--drawer", "openai", "--spend", "3", "--allow-upload")
    for line in ("drawers    klein and openai: half", "drawer     klein: about", "at 5 s each",
                 "drawer     openai (gpt-image-1.5): about", "no more than 3 USD are spent",
                 "of the drawer: apache-2.0", "of the drawer: OpenAI Terms of Use"):  # fmt: skip
        assert line in done.out


def test_a_licence_that_is_not_commercial_is_accepted_once_a_run(given, call, tmp_path):
    (tmp_path / "inbox").mkdir()
    terms = ["drawer.commercial=false", "drawer.license=Mine NC", "drawer.outputs=ask first"]
    drawer = ["--drawer", f"folder:{tmp_path / 'inbox'}", *(word for text in terms for word in ("--set", text))]
    done = call("run", *given, *drawer)
    assert done.code == 2
    assert 'the licence "Mine NC" of the drawer "folder" allows no commercial use: ask first' in done.line
    assert not (tmp_path / "run").exists()
    assert call("run", *given, *drawer, "--accept-licence").code == 3
    assert call("run", *given, *drawer).code == 3, "it was agreed to"


def test_what_was_agreed_to_for_one_covers_no_other(tmp_path):
    here, there = (ComfyUiSettings(server=f"http://10.0.0.{number}:8188") for number in (9, 10))
    with Store.open(tmp_path / "run", create=True) as store:
        remember_consents(store, consents_to([here]))
    assert not unanswered(consents_to([here]), [], tmp_path / "run")
    (missing,) = unanswered(consents_to([here, there]), [], tmp_path / "run")
    assert "to 10.0.0.10" in missing.message
    terms = FolderSettings(path="inbox", commercial=False, license="Mine NC")
    (missing,) = unanswered(consents_to([here, terms]), ["--allow-upload"], tmp_path / "run")
    assert 'the licence "Mine NC"' in missing.message


@pytest.mark.parametrize("name", shipped_names("drawers"))
def test_every_shipped_drawer_is_in_the_list_and_has_a_page(name):
    pages = configs_dir() / "drawers"
    listed = (pages / "README.md").read_text(encoding="utf-8")
    page = name.removesuffix("-angles")
    assert f"`{name}" in listed
    assert f"({page}.md)" in listed
    assert (pages / f"{page}.md").is_file()


@pytest.mark.parametrize(
    ("own", "text", "line"),
    [
        ({}, "drawer.decoys=3", "drawer.decoys: there is no drawer whose setting that is; name it with --drawer"),
        ({"drawer": {"kind": "painter"}}, "", 'kind "painter" is no kind of drawer'),
        ({}, "drawer=klein", 'drawer "klein": write named parts, { ... }; name a drawer with --drawer'),
        ({"drawer": {"kind": "comfyui"}}, "drawer.decoy=3", "decoy: unknown field (did you mean 'decoys'?)"),
        ({"drawer": {"kind": "comfyui"}}, "drawer.server=here:1", 'server "here:1": write an address such as http'),
    ],
)
def test_a_setting_of_a_drawer_that_does_not_fit_says_what_would(own, text, line):
    with pytest.raises(ConfigError) as error:
        load("puppet", own=own, overrides=[text] if text else [])
    assert line in str(error.value)


def test_a_drawer_is_named_in_a_file_of_one_s_own_and_its_words_are_too():
    named = load("puppet", own={"drawer": "klein"}, overrides=["drawer.decoys=7", "drawer.candidates_a_place=2"])
    assert named.drawer.name == "klein"
    assert (named.schedule.lookalikes, named.schedule.candidates_a_place) == (7, 2)
    words = load("puppet", own={"drawer": {"kind": "comfyui"}}, overrides=["drawer.instructions=standard"])
    assert words.drawer.instructions.sentences
    assert load("puppet").drawer is None
