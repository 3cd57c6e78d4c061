"""Whatever a person gives that cannot be used: one clear line, exit code 2, and nothing lost."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.store.lock import ProcessLock
from bootstrap.store.store import Store

ROOT = Path(__file__).parents[3]
RUBY = ROOT / "configs" / "characters" / "ruby"


def truncated(path):
    Image.effect_noise((200, 200), 90).save(path)
    path.write_bytes(path.read_bytes()[:9000])


def animated(path):
    frames = [Image.new("RGB", (99, 99), color) for color in ("red", "blue")]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=100)


PICTURES = {
    "missing": (lambda path: None, "no such picture"),
    "truncated": (truncated, "no picture that can be read"),
    "animated": (animated, "is animated"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "text": (lambda path: path.write_text("I am a picture, honestly"), "no picture that can be read"),
    "200 megapixels": (lambda path: Image.new("1", (20_000, 10_000)).save(path), "too many pixels"),
    "100 megapixels": (lambda path: Image.new("1", (10_000, 10_000)).save(path), "10000x10000 pixels"),
    "tiny": (lambda path: Image.new("RGB", (60, 90)).save(path), "4 pixels too small"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_that_cannot_be_used(call, tmp_path, kind):
    make, said = PICTURES[kind]
    picture = tmp_path / "seed.png"
    make(picture)
    done = call("run", picture, RUBY / "character.json", "--out", tmp_path / "out")
    assert done.code == 2
    assert f'"{picture}"' in done.line
    assert said in done.line
    assert "Warning" not in done.err
    assert len(done.err.splitlines()) <= 2
    assert not (tmp_path / "out").exists()


def test_a_base_folder_without_weights_is_told_before_a_run_is_begun(call, tmp_path):
    empty = tmp_path / "model"
    empty.mkdir()
    out = tmp_path / "out"
    given = ("run", RUBY / "seed.png", RUBY / "character.json", "--out", out, "--set", f"base.path={empty}")
    done = call(*given)
    assert (done.code, f'"{empty}"' in done.line) == (2, True)
    without = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(ROOT / "bootstrap/puppets/weights/base", empty, dirs_exist_ok=True, ignore=without)
    done = call(*given)
    assert done.code == 2
    assert "no weights in unet" in done.line
    assert not out.exists()


@pytest.fixture
def begun(tmp_path):
    """A run on the fake backend that was begun and does nothing yet, and the command that continues it."""
    from bootstrap.character import load_character
    from bootstrap.cli.options import Options
    from bootstrap.cli.resolve import resolve
    from loops.resume import settle

    character = load_character(RUBY / "character.json")
    config = resolve(character, Options(backend="fake"))
    with Store.open(tmp_path / "run", create=True) as store:
        settle(store, config, character, [RUBY / "seed.png"])
    command = ("run", RUBY / "seed.png", RUBY / "character.json", "--backend", "fake", "--out", tmp_path / "run")
    return tmp_path / "run", command


def refused(call, run, command, *words):
    """The command ends with one line that says ``words``; every file of the run stays as it was."""
    before = {path: path.read_bytes() for path in run.glob("*") if path.name not in ("run.lock", "run.db-shm")}
    done = call(*command)
    assert done.code == 2
    assert len(done.err.splitlines()) <= 2
    assert all(word in done.line for word in words), done.line
    assert {path: path.read_bytes() for path in before} == before


def execute(path, statement, *values):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement, values)


def test_a_run_of_a_newer_version(call, begun):
    run, command = begun
    execute(run / "run.db", "INSERT INTO facts (name, value) VALUES ('format', '99')")
    refused(call, run, command, "newer version", "'99'")


def test_a_run_with_settings_that_this_version_does_not_know(call, begun):
    run, command = begun
    with Store.open(run) as store:
        config = json.loads(store.recall("config"))
        store.remember("config", json.dumps({**config, "loop": {**config["loop"], "moon_phase": "full"}}))
    refused(call, run, command, 'loop.moon_phase "full", now nothing')


def test_a_database_of_another_program(call, begun):
    run, command = begun
    (run / "run.db").unlink()
    execute(run / "run.db", "CREATE TABLE notes (text)")
    refused(call, run, command, "another program")


def test_a_database_that_nobody_can_read(call, begun):
    run, command = begun
    (run / "run.db").write_bytes(b"this is no database, " * 900)
    refused(call, run, command, "damaged beyond reading")


def test_two_processes_on_one_run(call, begun):
    run, command = begun
    lock = ProcessLock(run / "run.lock")
    try:
        refused(call, run, command, "in use by the process")
    finally:
        lock.release()


def test_a_picture_in_place_of_the_description_and_the_other_way_round(call, tmp_path):
    assert call("run", RUBY / "seed.png", RUBY / "seed.png").code == 2
    shutil.copy(RUBY / "seed.png", tmp_path / "character.json")
    done = call("run", RUBY / "seed.png", tmp_path / "character.json")
    assert done.code == 2
    assert "character.json" in done.line


DESCRIPTIONS = {
    "an empty trigger": ({"trigger": ""}, 'trigger "": must not be empty: write a made-up word'),
    "a trigger that climbs": ({"trigger": "../../up"}, 'trigger "../../up": names folders too'),
    "a trigger with a NUL": ({"trigger": "a\0b"}, "names folders too"),
    "a trigger without end": ({"trigger": "a" * 400}, "at most 128 characters"),
    "a list for parts": ({"outfits": ["a"], "invariant": "red"}, "outfits \"['a']\": write named parts, { ... }"),
    "a text for a list": ({"seeds": "x"}, 'seeds "x": write a list'),
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_a_description_that_cannot_be_used(call, tmp_path, kind):
    change, said = DESCRIPTIONS[kind]
    path = tmp_path / "character.json"
    path.write_text(json.dumps({"name": "M", "trigger": "mchr", "invariant": {"hair": "red hair"}} | change))
    done = call("run", RUBY / "seed.png", path, "--base", "puppet", "--out", tmp_path / "out")
    assert (done.code, said in done.line) == (2, True), done.err
    assert len(done.err.splitlines()) <= 2
    assert not (tmp_path / "out").exists()


def test_json_without_bottom_and_a_path_without_end(call, tmp_path):
    (tmp_path / "deep.json").write_text("[" * 100_000)
    done = call("run", RUBY / "seed.png", tmp_path / "deep.json")
    assert (done.code, "nested too deeply" in done.line) == (2, True)
    done = call("run", RUBY / "seed.png", RUBY / "character.json", "--backend", "fake", "--out", tmp_path / ("a" * 400))
    assert (done.code, "too long a path" in done.line) == (2, True)


def test_a_setting_that_is_no_yaml(call):
    done = call("run", RUBY / "seed.png", RUBY / "character.json", "--set", "loop.target=[")
    assert (done.code, '"[" is no YAML value' in done.line) == (2, True)


def in_namespace(script, *arguments):
    """Run a shell script in a mount namespace of its own; None where this system does not allow one."""
    if sys.platform != "linux" or not shutil.which("unshare"):
        return None
    allowed = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
    command = ["unshare", "-rm", "bash", "-ceu", script, "bash", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT) if allowed else None


def test_a_read_only_folder(tmp_path):
    python = f"{sys.executable} -m bootstrap"
    script = f'mount -t tmpfs -o ro none "$1"; NO_COLOR=1 {python} run "$2" "$3" --backend fake --out "$1/run"'
    done = in_namespace(script, tmp_path, RUBY / "seed.png", RUBY / "character.json")
    if done is None:
        pytest.skip("needs a mount namespace")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: cannot write '{tmp_path}/run': Read-only file system")
    assert len(done.stderr.splitlines()) == 2
