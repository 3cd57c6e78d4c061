"""A small run on the fake backend: one red seed, twelve pictures wanted."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from bootstrap.backends import fake
from bootstrap.cli import main
from tests.loops.embedded_run import arguments

SETTINGS = [
    "loop.target=12",
    "loop.goals=[4, 8]",
    "loop.lookalikes=40",
    "loop.exchanged=0",
    "loop.rounds=4",
    "loop.showcase=2",
    "base.recipes.style.steps=10",
    "base.recipes.character.steps=10",
    "base.sampling.batch_size=16",
]


def described(folder, settings):
    """Seed and character file in a folder, and the arguments of a run with them, without --out."""
    Image.new("RGB", (128, 128), (215, 60, 40)).save(folder / "seed.png")
    character = {
        "name": "Red",
        "trigger": "redchr",
        "base": "puppet",
        "core": "1girl, solo",
        "invariant": {"hair": "red hair, bob cut", "eyes": "red eyes"},
        "outfits": {"default": {"tags": "white shirt"}, "night": {"tags": "blue dress"}},
        "seeds": [{"file": "seed.png", "view": "front", "framing": "upper body"}],
    }
    (folder / "character.json").write_text(json.dumps(character))
    options = [part for text in settings for part in ("--set", text)]
    return [str(folder / "seed.png"), str(folder / "character.json"), "--backend", "fake", *options]


@pytest.fixture
def given(tmp_path):
    """Seed, character file and the arguments of a small run, without --out."""
    return described(tmp_path, SETTINGS)


TINY = [
    "loop.target=4",
    "loop.goals=[2]",
    "loop.lookalikes=10",
    "loop.exchanged=0",
    "loop.most_decoys=20",
    "loop.gate_level=0.4",
    "loop.rounds=4",
    "loop.showcase=2",
    "loop.acceptance.weights=[0.8]",
    "loop.acceptance.unseen=0",
    "base.recipes.style.steps=10",
    "base.recipes.character.steps=10",
    "base.sampling.width=32",
    "base.sampling.height=32",
]


@pytest.fixture
def tiny(tmp_path):
    """The arguments of the smallest run that goes through every stage, without --out."""
    return described(tmp_path, TINY)


@pytest.fixture(scope="session")
def grown(tmp_path_factory):
    """The folder of a finished tiny run, made once; copy it before you touch it."""
    folder = tmp_path_factory.mktemp("grown")
    said = io.StringIO()
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main(["run", *described(folder, TINY), "--out", str(folder / "run")])
    assert not ended.value.code
    return folder / "run"


@pytest.fixture
def finished(grown, tiny, tmp_path):
    """A finished tiny run of one's own: its folder and the arguments that made it, without --out."""
    return shutil.copytree(grown, tmp_path / "run"), tiny


@pytest.fixture
def before_picture(monkeypatch):
    """A block in which a function is called before each picture of the fake backend, with its number from 0."""

    @contextlib.contextmanager
    def block(act):
        with monkeypatch.context() as patch:
            patch.setattr(fake, "FakeBackend", partial(fake.FakeBackend, before_picture=act))
            yield

    return block


@pytest.fixture(scope="session")
def play():
    """Run the command in a process of its own; ``kill_after`` SIGKILLs it when that many events are stored."""

    def start(arguments, out, kill_after=None):
        code = "import sys; from bootstrap.cli import main; main(sys.argv[1:])"
        code = f"from tests.unsynced import without_syncs; without_syncs(setattr); {code}"
        if kill_after is not None:
            code = KILLER.format(count=kill_after) + code
        here = Path(__file__).parent.parent.parent
        done = subprocess.run(
            [sys.executable, "-c", code, "run", *arguments, "--out", str(out)],
            cwd=here,
            text=True,
            capture_output=True,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
        assert done.returncode == (-signal.SIGKILL if kill_after is not None else 0), done.stderr
        return done

    return start


@pytest.fixture(scope="session")
def whole_run(play, tmp_path_factory):
    """The folder of an undisturbed run of the embedded base; copy it before you touch it."""
    folder = tmp_path_factory.mktemp("embedded") / "run"
    play(arguments(), folder)
    return folder


KILLER = """
import os, signal
from bootstrap.store.journal import Journal
published, count = Journal.publish, [0]
def publish(self, event):
    count[0] += type(event).__name__ != "Progress"
    if count[0] >= {count}: os.kill(os.getpid(), signal.SIGKILL)
    published(self, event)
Journal.publish = publish
"""
