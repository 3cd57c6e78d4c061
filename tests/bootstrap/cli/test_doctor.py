"""``bootstrap doctor``: what the machine has, and that nothing is downloaded before its licence is accepted."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from bootstrap.cli import doctor
from bootstrap.config import load, load_panel
from bootstrap.errors import ConfigError, OutputError
from bootstrap.machine.inventory import Accelerator, cache_folder, disk_free, memory, versions
from bootstrap.panel import face_packs as packs
from bootstrap.panel.face_packs import fetch, pack_named


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine with a known device, packs in a folder of the test, and a network that is never reached."""
    monkeypatch.setattr(doctor, "accelerator", lambda: Accelerator("cpu", "a test", 8.0))
    monkeypatch.setattr(packs, "ROOT", tmp_path / "models")
    monkeypatch.setattr(packs, "open_address", lambda url: pytest.fail(f"went to {url}"))


def archive(**members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        for name, text in members.items():
            opened.writestr(name.replace("__", "/"), text)
    return data.getvalue()


def serve(monkeypatch, data):
    asked = []
    monkeypatch.setattr(packs, "open_address", lambda url: asked.append(url) or io.BytesIO(data))
    return asked


def test_it_says_what_is_there_as_text_and_as_data(call):
    said = call("doctor")
    assert said.code == 0, said.err
    for word in ("cpu: a test", "GB free", "diffusers", "base       puppet: usable", "scoring    fake: usable"):
        assert word in said.out
    facts = json.loads(call("doctor", "--json").out)
    assert facts["packages"]["torch"]
    assert facts["bases"]["puppet"] == {"usable": True, "why": ""}
    assert facts["problems"] == []


@pytest.mark.parametrize(("memory", "usable"), [(8.0, True), (4.0, False)])
def test_a_base_is_judged_with_the_profile_of_the_card(monkeypatch, memory, usable):
    monkeypatch.setattr(doctor, "check_base", lambda path: None)
    lacks = doctor.base_lacks("sdxl", Accelerator("cuda", "a card", memory))
    assert (not lacks) is usable, lacks


def test_a_missing_package_and_a_base_that_does_not_fit_are_problems(call, monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "no-such-package"))
    monkeypatch.setattr(doctor, "accelerator", lambda: Accelerator("cpu", "a test", 0.5))
    done = call("doctor")
    assert done.code == 1
    assert "no-such-package MISSING" in done.out
    assert 'puppet: base "puppet" takes about 2 GB, cpu has 0.5' in done.out
    assert "no base is usable" in done.err


def test_the_machine_is_asked(tmp_path):
    assert memory() > 0.1
    assert disk_free(tmp_path / "not" / "there" / "yet") > 0
    assert versions(["pytest", "no-such-package"])["no-such-package"] == ""


def test_the_cache_is_where_a_person_keeps_such_things(monkeypatch, tmp_path):
    assert cache_folder().name == "lora-bootstrap"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().parent == tmp_path
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_folder().parent == Path.home() / ".cache"


def test_what_a_panel_lacks_is_named():
    shipped = load_panel("puppet")
    assert doctor.panel_lacks(shipped) == []
    settings = ["models.face.pack=buffalo_l", "models.clip.pretrained=/nowhere.pt", "scorers.held-out.model=/no.onnx"]
    lacking = doctor.panel_lacks(load("puppet", overrides=[f"panel.{setting}" for setting in settings]).panel)
    named = ["models.clip.pretrained", "models.face.pack", "scorers.held-out.model"]
    assert [text.split(":")[0] for text in lacking] == named
    without = ["models.face=none", "scorers.held-out=none"]
    assert doctor.panel_lacks(load("puppet", overrides=[f"panel.{setting}" for setting in without]).panel) == []


def test_without_yes_and_without_a_terminal_nothing_is_fetched(call, tmp_path):
    done = call("doctor", "--fetch-face", "buffalo_l")
    assert done.code == 2
    for word in ("buffalo_l", "326 MB", "non-commercial research only", "https://"):
        assert word in done.out
    assert "bootstrap doctor --fetch buffalo_l --yes" in done.err
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(("answer", "fetched"), [("n\n", False), ("\n", False), ("y\n", True)])
def test_a_person_is_asked_and_no_is_the_default(call, monkeypatch, tmp_path, answer, fetched):
    typed = io.StringIO(answer)
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", typed)
    asked = serve(monkeypatch, archive(a__det="", **{"det.onnx": "net"}))
    done = call("doctor", "--fetch-face", "buffalo_sc")
    assert done.code == 0, done.err
    assert "[y/N]" in done.out
    assert (tmp_path / "models" / "buffalo_sc").is_dir() == fetched == bool(asked)
    assert done.out.index("licence") < done.out.index("[y/N]")
    assert ("nothing was downloaded" in done.out) != fetched


def test_a_fetched_pack_lies_flat_and_is_not_fetched_twice(call, monkeypatch, tmp_path):
    asked = serve(monkeypatch, archive(**{"antelopev2__det.onnx": "net", "antelopev2__read.me": "no", "rec.onnx": "n"}))
    assert call("doctor", "--fetch-face", "antelopev2", "--yes").code == 0
    folder = tmp_path / "models" / "antelopev2"
    assert sorted(path.name for path in folder.iterdir()) == ["det.onnx", "rec.onnx"]
    assert asked == [pack_named("antelopev2").url]
    assert "is there already" in call("doctor", "--fetch-face", "antelopev2", "--yes").out
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"not a zip", "zip"),
        (archive(readme="no model"), "holds no .onnx file"),
        (b"x" * 40_000_000, "more than 2 times"),
    ],
)
def test_what_cannot_be_fetched_leaves_nothing_behind(tmp_path, data, said):
    with pytest.raises(OutputError, match=said):
        fetch(pack_named("buffalo_sc"), tmp_path / "models", lambda url: io.BytesIO(data))
    assert list((tmp_path / "models").iterdir()) == []


def test_a_network_that_fails_is_one_line(tmp_path):
    def broken(url):
        raise TimeoutError("timed out")

    with pytest.raises(OutputError, match=r"cannot fetch '.*buffalo_l\.zip'.*timed out"):
        fetch(pack_named("buffalo_l"), Path(tmp_path), broken)
    with pytest.raises(ConfigError, match="buffalo_l"):
        pack_named("buffalo")
